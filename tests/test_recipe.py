import pytest

from dmin.errors import ModelError
from dmin.features import Settings
from dmin.recipe import preset, presets
from dmin.settings import LocalizerSettings


def test_settings_survive_the_disk(tmp_path):
    settings = LocalizerSettings.of(Settings("lite0", "1", "sfx", "1", 4.0, 44_100), 10, threshold=0.6)
    settings.save(tmp_path)
    assert LocalizerSettings.load(tmp_path) == settings
    assert settings.features == Settings("lite0", "1", "sfx", "1", 4.0, 44_100)


def test_a_folder_without_settings_says_what_to_give(tmp_path):
    with pytest.raises(ModelError, match="give a folder that `dmin train` wrote"):
        LocalizerSettings.load(tmp_path)
    (tmp_path / "localizer.json").write_text("{}")
    with pytest.raises(ModelError, match="is damaged"):
        LocalizerSettings.load(tmp_path)


def test_presets_have_names_and_a_first_line_that_tells():
    assert {"paper", "official-full", "small"} <= set(presets())
    for path in presets().values():
        assert path.read_text().startswith("# ")
    with pytest.raises(ModelError, match="did you mean 'paper'"):
        preset("papr")
