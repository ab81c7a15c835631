from dmin.errors import unknown_name


def test_a_misspelt_name_is_answered_with_the_nearest_one():
    assert unknown_name("backbone", "lit0", ["lite0", "sfx"]).startswith(
        "unknown backbone 'lit0': did you mean 'lite0'?"
    )


def test_of_many_names_the_three_nearest_alone_are_told():
    names = [f"preset-{letter}" for letter in "abcdefghijklmnopqrstu"]
    assert unknown_name("preset", "preset-", names).endswith("? 21 are known, `dmin list presets` shows them")
    assert unknown_name("category", "x", names).count("'preset-") == 3
    assert unknown_name("preset", "x", names[:20]) == f"unknown preset 'x': Known: {', '.join(names[:20])}"
