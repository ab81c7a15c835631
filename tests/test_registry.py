from types import SimpleNamespace

import pytest

from dmin.errors import ModelError
from dmin.layers.inter_modality import INTER_MODALITY
from dmin.layers.visual_attention import VISUAL_ATTENTION
from dmin.models import DMINConfig
from dmin.models.config import config_from
from dmin.registry import Registry, load_extensions


def test_a_registry_is_a_mapping_of_what_was_added():
    shapes = Registry("shape")
    shapes.add("square", 4)

    @shapes.register("circle")
    def circle():
        return 0

    assert dict(shapes) == {"square": 4, "circle": circle}
    assert ("square" in shapes, "cube" in shapes, len(shapes)) == (True, False, 2)
    shapes.add("square", 4)
    with pytest.raises(ModelError, match="there is a shape 'square' already: choose another name"):
        shapes.add("square", 5)
    with pytest.raises(ModelError, match="unknown shape 'squar': did you mean 'square'\\? Known: circle, square"):
        shapes["squar"]


def test_a_package_that_cannot_be_imported_is_told_at_every_lookup(monkeypatch):
    def fail():
        raise ImportError("no such package")

    monkeypatch.setattr("dmin.registry.entry_points", lambda group: [SimpleNamespace(load=fail)])
    load_extensions.cache_clear()
    shapes = Registry("shape", extensible=True)
    for _ in range(2):
        with pytest.raises(ImportError, match="no such package"):
            shapes["square"]
    load_extensions.cache_clear()


@pytest.mark.parametrize(
    ("option", "registry"), [("visual_attention", VISUAL_ATTENTION), ("inter_modality", INTER_MODALITY)]
)
def test_a_slot_says_what_may_stand_in_it(option, registry):
    for name in registry:
        assert getattr(config_from(DMINConfig, {option: {"name": name}}), option).name == name
    with pytest.raises(ModelError, match=f"{option.replace('_', '.')}.* Known: "):
        config_from(DMINConfig, {option: {"name": "zzzz"}})
