"""Running a table: on a tiny store, stopped and gone on with, and what is written."""

from __future__ import annotations

import base64
import csv
import html
import json
import re
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dmin.errors import DataError
from dmin.evaluation import Interval
from dmin.lab.paper import words
from dmin.lab.paper.cells import CELL_FILE
from dmin.lab.paper.material import PreparedData
from dmin.lab.paper.page import write_merged
from dmin.lab.paper.reproduce import RunOptions, reproduce, run_grid
from dmin.lab.paper.results import NO_INTERVAL, OVER_CLIPS, Reproduction, merge, over_seeds, read_results
from dmin.lab.paper.tables import table
from dmin.progress import silent
from dmin.shard import Shard

SIZES = {
    "width": 16,
    "heads": 2,
    "encoder": {"layers": 1, "heads": 2, "hidden": 16},
    "inter_modality": {"heads": 2, "hidden": 16},
}
DMIN_SIZES = {**SIZES, "visual_width": 8, "visual_attention": {"size": 4, "bottleneck": 4}}
SETTINGS = {"epochs": 2, "batch_size": 16, "learning_rate": 5e-3, "device": "cpu"}
TABLE1 = {**SETTINGS, "model": DMIN_SIZES}
TABLE2 = {**SETTINGS, "model": SIZES}


class StoppedError(Exception):
    """As if the process had been killed."""


def stop_at(words: str, completed: int = 0) -> Any:
    def progress(step: str, done: int, total: int | None) -> None:
        if step.startswith(words) and done >= completed:
            raise StoppedError(step)

    return progress


def prepared(store: Path) -> PreparedData:
    stores = {"full": store, "weak": store, "matching": store}
    return PreparedData(stores, words="tiny clips", remark="Tiny clips are not AVE: not comparable.", on_ave=False)


def run1(store: Path, out: Path, progress: Any = silent, **changed: Any) -> Reproduction:
    options = RunOptions(**{"rows": ["dmin"], "recipe_options": TABLE1, **changed})
    return run_grid("table1", prepared(store), out, options, progress)


def folder(out: Path, name: str, seed: int = 0) -> Path:
    """A run folder, by the beginning of its name."""
    (found,) = [path for path in (out / "runs").iterdir() if re.fullmatch(rf"{name}-[0-9a-f]{{8}}", path.name)]
    return found / f"seed{seed}"


@pytest.fixture
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """A table's page without curves and clips, for tests that do not look at it."""
    monkeypatch.setattr("dmin.lab.paper.page._pictures", lambda *arguments: [])


@pytest.fixture(scope="module")
def table1(tiny_store: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Reproduction]:
    out = tmp_path_factory.mktemp("table1")
    return out, run1(tiny_store, out, seeds=2)


@pytest.fixture(scope="module")
def table2(tiny_store: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Reproduction]:
    out = tmp_path_factory.mktemp("table2")
    options = RunOptions(["dcmr", "avdln"], recipe_options=TABLE2)
    return out, run_grid("table2", prepared(tiny_store), out, options)


def test_table1_has_a_run_folder_a_seed_and_the_mean_of_their_accuracies(table1) -> None:
    out, reproduction = table1
    assert [(c.row, c.column, c.paper_percent) for c in reproduction.columns] == [
        ("dmin", "full", 79.6),
        ("dmin", "weak", 74.3),
    ]
    for column in reproduction.columns:
        values = []
        for seed in column.seeds:
            run = folder(out, f"dmin-{column.column}", seed.seed)
            assert seed.run == run.relative_to(out)
            metrics = json.loads((run / "metrics.json").read_text())
            values.append(metrics["segment_accuracy"]["value"])
            assert (seed.accuracy.value, seed.accuracy.low) == (values[-1], metrics["segment_accuracy"]["low"])
            assert dict(seed.priors) == metrics["priors"]
            assert (run / "model.safetensors").is_file()
            assert seed.seconds_trained > seed.seconds_a_step > 0
            assert seed.parameters == column.parameters > 1000
        assert column.mean == pytest.approx(sum(values) / 2)
        assert column.interval == over_seeds(values)
        assert column.interval_of == "95 % t-interval over 2 seeds"
    configuration = json.loads((folder(out, "dmin-weak", 1) / "config.json").read_text())
    assert configuration["supervision"] == "weak"


def test_seeds_differ_and_are_those_of_the_recipes(table1) -> None:
    out, _ = table1
    recipes = [(folder(out, "dmin-full", k) / "train.yaml").read_text() for k in (0, 1)]
    assert "\nseed: 0\n" in recipes[0]
    assert recipes[1] == recipes[0].replace("\nseed: 0\n", "\nseed: 1\n")


def test_the_json_file_holds_what_was_returned(table1, table2) -> None:
    for (out, reproduction), name in ((table1, "table1"), (table2, "table2")):
        assert json.loads((out / f"{name}.json").read_text()) == json.loads(json.dumps(reproduction.to_dict()))
    data = json.loads((table1[0] / "table1.json").read_text())
    assert (data["table"], data["on_ave"], data["preset_family"]) == ("table1", False, "small")
    assert "not comparable" in data["remark"]
    (full, weak) = data["columns"]
    assert set(full["priors"]) == {"all_background", "every_second_is_event"}
    assert [seed["run"].split("/")[-1] for seed in weak["seeds"]] == ["seed0", "seed1"]
    assert data["options"] == {name: value for name, value in TABLE1.items() if name != "device"}
    assert set(data["digests"]) == {"full", "weak"}


def test_one_seed_has_the_interval_over_clips_and_the_average_none(table2) -> None:
    _, reproduction = table2
    columns = {column.column: column for column in reproduction.columns if column.row == "dcmr"}
    assert list(columns) == ["a2v", "v2a", "a2v-strict", "v2a-strict", "average"]
    assert columns["a2v"].interval == columns["a2v"].seeds[0].accuracy
    assert columns["a2v"].interval_of == OVER_CLIPS
    assert columns["average"].mean == pytest.approx((columns["a2v"].mean + columns["v2a"].mean) / 2)
    assert (columns["average"].interval, columns["average"].interval_of) == (None, NO_INTERVAL)
    assert [column.paper_percent for column in columns.values()] == [56.0, 56.2, None, None, 56.1]
    assert {"uniform", "most_frequent", "linear_cca"} <= set(columns["v2a"].priors)


def test_linear_cca_stands_with_what_needs_no_network(table1, table2) -> None:
    lines = words.priors(table2[1])
    place = lines.headings.index("linear CCA of the features, %")
    assert lines.rows[0][place] == f"{100 * table2[1].columns[0].priors['linear_cca']:.1f}"
    assert all(len(row) == len(lines.headings) for row in lines.rows)
    assert "linear CCA of the features, %" not in words.priors(table1[1]).headings


def test_a_system_without_protocols_is_run_once_for_both(table2) -> None:
    out, reproduction = table2
    runs = {c.column: c.seeds[0].run for c in reproduction.columns if c.row == "avdln" and c.seeds}
    assert runs["a2v"] == runs["a2v-strict"] != runs["v2a"]
    assert len([path for path in (out / "runs").iterdir() if path.name.startswith("avdln")]) == 2


def test_matching_is_run_under_both_protocols(table2) -> None:
    out, _ = table2
    for column in table2[1].columns:
        if column.row == "dcmr" and column.seeds:
            config = json.loads((out / column.seeds[0].run / "config.json").read_text())
            assert config["direction"] == column.column[:3]
            assert config["protocol"] == ("strict" if "strict" in column.column else "context")


def test_the_page_holds_the_numbers_and_the_pictures(table1, table2) -> None:
    for out, reproduction in (table1, table2):
        page = (out / f"{reproduction.table}.html").read_text()
        document = (out / f"{reproduction.table}.md").read_text()
        text = html.unescape(re.sub("<[^>]+>", " ", page))
        published = table(reproduction.table)
        assert f"Table {published.number}: ours beside the paper's" in text
        assert "Tiny clips are not AVE: not comparable." in text
        for column in reproduction.columns:
            assert f"{100 * column.mean:.1f}" in text
            assert re.search(rf"\| {re.escape(column.name)}( ‡)? \| {100 * column.mean:.1f} \|", document)
            if column.paper_percent is not None:
                assert f"{column.paper_percent:.1f}" in text
            for seed in column.seeds:
                assert seed.run.as_posix() in text
        pictures = [base64.b64decode(data) for data in re.findall(r'src="data:image/png;base64,([^"]+)"', page)]
        assert all(picture.startswith(b"\x89PNG") for picture in pictures)
        # The table at a glance; curves and errors of each column of the paper's own system, and one or two clips.
        run = [column for column in reproduction.columns if column.seeds and column.row in ("dmin", "avdln")]
        assert 1 + 3 * len(run) <= len(pictures) <= 1 + 4 * len(run)
        assert str(out) not in page


@pytest.mark.usefixtures("no_pictures")
def test_a_finished_table_is_not_trained_again(tiny_store: Path, table1, tmp_path: Path, monkeypatch) -> None:
    out, before = table1
    copy = tmp_path / "copy"
    shutil.copytree(out, copy)
    monkeypatch.setattr("dmin.training.fit.fit", lambda *_, **__: pytest.fail("trained again"))
    assert run1(tiny_store, copy, seeds=2) == before
    assert len(run1(tiny_store, copy, seeds=1).columns[0].seeds) == 1


@pytest.mark.usefixtures("no_pictures")
def test_stopped_between_seeds_it_goes_on_with_the_next(tiny_store: Path, tmp_path: Path, monkeypatch) -> None:
    import dmin.training.fit

    fit, trained = dmin.training.fit.fit, []

    def counted(store: Any, run: Path, *rest: Any, **options: Any) -> Any:
        trained.append(f"{run.parent.name[:9]}/{run.name}")
        return fit(store, run, *rest, **options)

    monkeypatch.setattr("dmin.training.fit.fit", counted)
    with pytest.raises(StoppedError):
        run1(tiny_store, tmp_path, seeds=2, progress=stop_at("dmin weak seed 0"))
    assert trained == ["dmin-full/seed0", "dmin-weak/seed0"]
    so_far = json.loads((tmp_path / "table1.json").read_text())
    assert [(c["column"], len(c["seeds"])) for c in so_far["columns"]] == [("full", 1)]
    first = (folder(tmp_path, "dmin-full") / CELL_FILE).read_text()
    run1(tiny_store, tmp_path, seeds=2)
    assert trained[2:] == ["dmin-weak/seed0", "dmin-full/seed1", "dmin-weak/seed1"]
    assert (folder(tmp_path, "dmin-full") / CELL_FILE).read_text() == first


@pytest.mark.usefixtures("no_pictures")
def test_stopped_within_training_it_goes_on_and_its_time_adds_up(tiny_store: Path, tmp_path: Path) -> None:
    options = {**TABLE1, "epochs": 4}
    with pytest.raises(StoppedError):
        run1(tiny_store, tmp_path, recipe_options=options, progress=stop_at("dmin full seed 0 (training", 3))
    run = folder(tmp_path, "dmin-full")
    state = json.loads((run / CELL_FILE).read_text())
    assert "accuracy" not in state
    steps: list[int] = []

    def progress(step: str, done: int, total: int | None) -> None:
        if step.startswith("dmin full seed 0 (training"):
            steps.append(done)

    result = run1(tiny_store, tmp_path, recipe_options=options, progress=progress)
    assert steps == [3, 4]
    assert result.columns[0].seeds[0].seconds_trained > state["seconds_trained"] > 0
    with (run / "metrics.csv").open() as file:
        assert [int(float(row["epoch"])) for row in csv.DictReader(file)] == [1, 2, 3, 4]


@pytest.mark.usefixtures("no_pictures")
def test_more_epochs_prolong_a_finished_run_and_fewer_are_refused(tiny_store: Path, table1, tmp_path: Path) -> None:
    shutil.copytree(table1[0], tmp_path / "out")
    longer = run1(tiny_store, tmp_path / "out", recipe_options={**TABLE1, "epochs": 3})
    assert longer.columns[0].seeds[0].seconds_trained > table1[1].columns[0].seeds[0].seconds_trained
    with pytest.raises(DataError, match=r"run of another kind \(different: epochs\): choose another --out"):
        run1(tiny_store, tmp_path / "out")


def test_runs_of_other_data_are_refused(tiny_store: Path, table1, tmp_path: Path) -> None:
    shutil.copytree(table1[0], tmp_path / "out")
    shutil.copytree(tiny_store, tmp_path / "store")
    split = tmp_path / "store" / "splits" / "train.txt"
    split.write_text("".join(split.read_text().splitlines(keepends=True)[1:]))
    with pytest.raises(DataError, match=r"different: data\)"):
        run1(tmp_path / "store", tmp_path / "out")


def test_a_damaged_state_is_named(tiny_store: Path, table1, tmp_path: Path) -> None:
    shutil.copytree(table1[0], tmp_path / "out")
    (folder(tmp_path / "out", "dmin-full") / CELL_FILE).write_text("{")
    with pytest.raises(DataError, match=r"cell.json is damaged .* remove the folder"):
        run1(tiny_store, tmp_path / "out")


def test_the_t_interval_is_that_of_the_textbook() -> None:
    interval = over_seeds([0.78, 0.80, 0.82])  # t(0.975, 2) = 4.3027, standard error 0.02 / sqrt(3)
    assert interval.value == pytest.approx(0.80)
    assert interval.high - interval.value == pytest.approx(4.3027 * 0.02 / 3**0.5, rel=1e-4)
    assert over_seeds([0.0, 1.0]).low == 0.0
    assert over_seeds([0.0, 1.0]).high == 1.0


@pytest.mark.usefixtures("no_pictures")
def test_shards_share_the_runs_and_together_are_the_table(tiny_store: Path, table1, tmp_path: Path) -> None:
    trained = []
    for number in (1, 2, 3):
        reproduction = run1(tiny_store, tmp_path / str(number), seeds=2, shard=Shard(number, 3))
        trained += [seed.run.as_posix() for column in reproduction.columns for seed in column.seeds]
    assert len(trained) == len(set(trained)) == 4
    files = [tmp_path / str(number) / "table1.json" for number in (3, 1, 2)]
    together = merge(files)
    assert [(c.row, c.column) for c in together.columns] == [("dmin", "full"), ("dmin", "weak")]
    for ours, whole in zip(together.columns, table1[1].columns, strict=True):
        assert [seed.accuracy for seed in ours.seeds] == [seed.accuracy for seed in whole.seeds]
        assert ours.interval == whole.interval
    write_merged(together, tmp_path / "merged")
    assert json.loads((tmp_path / "merged" / "table1.json").read_text())["columns"]
    assert merge([tmp_path / "merged" / "table1.json", files[0]]) == together


def result(name: str, low: float, high: float, paper: float | None, mark: str = "", source: str = "code") -> Any:
    middle = (low + high) / 2
    interval = Interval(middle, low, high)
    return SimpleNamespace(name=name, mean=middle, interval=interval, paper_percent=paper, mark=mark, source=source)


def test_the_winner_is_one_only_where_no_interval_overlaps_its_own() -> None:
    worse, best = result("a", 0.5, 0.6, 50.0), result("b", 0.61, 0.7, 60.0)
    assert words.winner([worse, best]) == 1
    assert words.winner([result("a", 0.5, 0.62, 50.0), best]) is None
    assert words.winner([worse, result("b", 0.61, 0.7, 60.0, mark="told too much")]) is None
    assert words.winner([best]) is None


def test_the_papers_order_is_held_against_ours_pair_by_pair() -> None:
    rows = [result("a", 0.5, 0.55, 50.0), result("b", 0.6, 0.65, 60.0), result("c", 0.4, 0.45, 70.0)]
    rows += [result("d", 0.54, 0.61, 65.0), result("e", 0.1, 0.2, None)]
    found = words.order(rows)
    assert found.agree == ("a < b",)
    assert found.disagree == ("a < c", "b < c", "d < c")
    assert found.open == 2


@pytest.mark.usefixtures("no_pictures")
def test_rows_that_were_run_stay_in_the_table_and_come_in_the_papers_order(tiny_store, table1, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(table1[0], tmp_path / "table1"))
    run1(tiny_store, copy, rows=["avel-audio"], recipe_options={**SETTINGS, "model": DMIN_SIZES}, seeds=2)
    both = read_results(copy / "table1.json")[1]
    assert list(both) == [(row, column) for row in ("avel-audio", "dmin") for column in ("full", "weak")]
    assert both["dmin", "full"] == list(table1[1].columns[0].seeds)
    other = run1(tiny_store, copy, rows=["avel-audio"], recipe_options={**TABLE1, "learning_rate": 1e-3})
    assert {column.row for column in other.columns} == {"avel-audio"}  # of another kind: nothing to keep


@pytest.mark.usefixtures("no_pictures")
def test_readings_and_marks_are_said_beside_their_rows(tiny_store: Path, tmp_path: Path) -> None:
    reproduction = run1(tiny_store, tmp_path, rows=["psp-proportional", "cman", "avel"])
    text = (tmp_path / "table1.md").read_text()
    assert "| PSP, proportional target † |" in text
    assert "| CMAN∗∗ [23] ‡ |" in text  # an asterisk that Markdown takes for no emphasis
    assert "| AVEL [21] |" in text
    assert "† PSP, proportional target: its weak target tells the network how long each event lasts" in text
    assert "‡ CMAN∗∗ [23]: second-hand notes" in text
    assert {column.row for column in reproduction.columns} == {"psp-proportional", "cman", "avel"}


def test_what_does_not_belong_together_is_not_merged(table1, table2, tmp_path: Path) -> None:
    path = table1[0] / "table1.json"
    with pytest.raises(DataError, match=r"are not of one kind \(different: table, measure, digests"):
        merge([path, table2[0] / "table2.json"])
    data = json.loads(path.read_text())
    data["columns"][0]["seeds"][0]["accuracy"]["value"] = 0.123
    (tmp_path / "other.json").write_text(json.dumps(data))
    with pytest.raises(DataError, match="for row dmin, column full, seed 0, where another file has"):
        merge([path, tmp_path / "other.json"])
    (tmp_path / "none.json").write_text("[]")
    with pytest.raises(DataError, match=r"none.json is no table that `dmin reproduce` wrote"):
        merge([tmp_path / "none.json"])


@pytest.mark.parametrize(
    ("name", "rows", "options", "message"),
    [
        ("table7", ["dmin"], {}, "unknown table 'table7'"),
        ("table1", ["dmim"], {}, "unknown row of table1 'dmim': did you mean 'dmin'"),
        ("table1", ["dcmr"], {}, "the system dcmr is for matching, table1 for localization: choose another row"),
        ("table1", ["dmin"], {"seeds": 0}, "seeds is 0: must be at least 1"),
        ("table1", ["dmin"], {}, "no folder nowhere: give a folder of AVE, a feature store, or the word composed"),
    ],
)
def test_mistakes_are_named_before_work_starts(name, rows, options, message, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message):
        reproduce(name, "nowhere", tmp_path / "out", RunOptions(rows, **options))
    assert not (tmp_path / "out").exists()
