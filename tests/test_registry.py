import pytest

from dmin.errors import ModelError
from dmin.layers.inter_modality import INTER_MODALITY
from dmin.layers.visual_attention import VISUAL_ATTENTION
from dmin.models import DMINConfig
from dmin.registry import Registry


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


@pytest.mark.parametrize(
    ("option", "registry"), [("visual_attention", VISUAL_ATTENTION), ("inter_modality", INTER_MODALITY)]
)
def test_a_slot_says_what_may_stand_in_it(option, registry):
    for name in registry:
        assert getattr(DMINConfig(("a",), **{option: name}), option) == name
    with pytest.raises(ModelError, match=f"{option.replace('_', '.')}.* Known: "):
        DMINConfig(("a",), **{option: "zzzz"})
