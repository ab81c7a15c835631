import json
import shutil
from dataclasses import replace

import pytest
import yaml

from dmin.errors import DataError
from dmin.models import DMIN
from dmin.training import fit


@pytest.mark.slow
def test_a_run_learns_and_leaves_everything_that_inference_needs(tiny_run):
    for name in ("model.safetensors", "config.json", "localizer.json", "train.yaml", "metrics.csv", "curves.png"):
        assert (tiny_run / name).is_file(), name
    assert json.loads((tiny_run / "localizer.json").read_text())["threshold"] == 0.5
    rows = (tiny_run / "metrics.csv").read_text().splitlines()
    assert len(rows) == 41
    best = max(float(row.split(",")[rows[0].split(",").index("val_accuracy")]) for row in rows[1:])
    assert best >= 0.9
    assert DMIN.from_pretrained(tiny_run).config.category_names == ("Bell", "Dog", "Rain")


@pytest.mark.slow
def test_a_stopped_run_goes_on_where_it_was(tiny_store, tiny_recipe, tmp_path):
    first = fit(tiny_store, tmp_path / "run", replace(tiny_recipe, epochs=2))
    epochs = []
    second = fit(
        tiny_store,
        tmp_path / "run",
        replace(tiny_recipe, epochs=4),
        progress=lambda step, done, total: epochs.append(done),
    )
    assert (first.epochs, second.epochs, epochs) == (2, 4, [3, 4])


def test_a_run_of_another_recipe_is_not_mixed_in(tiny_store, tiny_recipe, tmp_path):
    (tmp_path / "train.yaml").write_text(yaml.safe_dump({"batch_size": 99}))
    with pytest.raises(DataError, match="holds a run of another recipe"):
        fit(tiny_store, tmp_path, tiny_recipe)


def test_without_validation_split_the_last_epoch_is_kept_with_a_warning(tiny_store, tiny_recipe, tmp_path):
    store = tmp_path / "store"
    shutil.copytree(tiny_store, store)
    (store / "splits" / "val.txt").unlink()
    with pytest.warns(UserWarning, match="no validation split: the last epoch is kept, unchecked"):
        report = fit(store, tmp_path / "run", replace(tiny_recipe, epochs=2, threshold=0.7))
    assert (report.best_epoch, report.validation_accuracy, report.threshold) == (2, None, 0.7)
    assert (tmp_path / "run" / "curves.png").is_file()
    with pytest.raises(DataError, match="no threshold can be calibrated: add splits/val.txt"):
        fit(store, tmp_path / "other", replace(tiny_recipe, epochs=1, false_event_share=0.05))
