"""The systems that the paper compares with, one file each, with the layers and losses that only they need.

Importing the package registers all of them.
"""

import importlib
import pkgutil

for _module in pkgutil.walk_packages(__path__, f"{__name__}."):
    importlib.import_module(_module.name)
