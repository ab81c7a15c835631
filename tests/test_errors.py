from dmin.errors import unknown_name


def test_a_misspelt_name_is_answered_with_the_nearest_one():
    assert unknown_name("backbone", "lit0", ["lite0", "sfx"]).startswith(
        "unknown backbone 'lit0': did you mean 'lite0'?"
    )
