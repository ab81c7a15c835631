"""Which network each row of a table trains, written out."""

import pytest

from dmin.lab.paper.grid import GRIDS, mil_pooling
from dmin.lab.paper.tables import TABLES

AGTA, DIMA = ("agta", "dima")
"""What fills DMIN's slots in the rows that change neither."""
SYSTEMS = {
    "table1": {
        "avel-video": "avel-video",
        "avel-audio": "avel-audio",
        "avsdn": "avsdn",
        "avel": "avel",
        "cman": "cman",
        "dam": "dam",
        "avrb": "avrb",
        "avin": "avin",
        "avt": "avt",
        "cmran": "cmran",
        "psp": "psp",
        "dmin": "dmin",
    },
    "table2": {"dcca": "dcca", "avdln": "avdln", "dam": "dam-matching", "cmra-star": "cmra-star", "dcmr": "dcmr"},
}
SLOTS = {
    "table3": {
        "no-agta": ("none", DIMA),
        "avtrans": ("avtrans", DIMA),
        "agva": ("agva", DIMA),
        "agsca": ("agsca", DIMA),
        "agta-no-lstm": ("agta-no-lstm", DIMA),
        "agta-no-mfb": ("agta-no-mfb", DIMA),
        "agta-no-channel": ("agta-no-channel", DIMA),
        "agta-no-spatial": ("agta-no-spatial", DIMA),
        "agta": (AGTA, DIMA),
    },
    "table4": {
        "no-dima": (AGTA, "none"),
        "han": (AGTA, "han"),
        "cmca": (AGTA, "cmca"),
        "fgnl-star": (AGTA, "fgnl-star"),
        "gnl-star": (AGTA, "gnl-star"),
        "cmra": (AGTA, "cmra"),
        "dima": (AGTA, DIMA),
    },
    "table5": {
        "mha-mha": (AGTA, "cmra"),
        "dfa-mha": (AGTA, "dfa-mha"),
        "dfa-dfa": (AGTA, "dfa-dfa"),
        "mha-dfa": (AGTA, DIMA),
    },
    "table6": {f"lambda-{weight}": (AGTA, DIMA) for weight in ("0.00", "0.02", "0.04", "0.06", "0.08", "0.1")},
}
WEIGHTS = {
    "lambda-0.00": 0.0,
    "lambda-0.02": 0.02,
    "lambda-0.04": 0.04,
    "lambda-0.06": 0.06,
    "lambda-0.08": 0.08,
    "lambda-0.1": 0.1,
}


def recipes(table, kind):
    """The paper's recipe of each row that has this column."""
    grid = GRIDS[table]
    column = grid.column(kind)
    return {row.key: column.recipe(row, "paper", 3, {}) for row in grid.rows if column.runs(row)}


@pytest.mark.parametrize(("table", "kind"), [("table1", "full"), ("table2", "a2v"), ("table2", "v2a-strict")])
def test_each_row_trains_its_own_system(table, kind):
    assert {key: recipe.system for key, recipe in recipes(table, kind).items()} == SYSTEMS[table]


def test_dam_is_the_only_row_of_table1_without_weak_supervision():
    assert set(recipes("table1", "full")) - set(recipes("table1", "weak")) == {"dam"}


def test_cmra_star_is_dcmr_with_dot_products():
    slots = {key: recipes("table2", "a2v")[key].model.inter_modality.name for key in ("cmra-star", "dcmr")}
    assert slots == {"cmra-star": "cmra", "dcmr": "dima"}


@pytest.mark.parametrize("kind", ["full", "weak"])
@pytest.mark.parametrize("table", SLOTS)
def test_each_row_of_dmin_fills_its_own_slots(table, kind):
    made = recipes(table, kind)
    slots = {
        key: (recipe.model.visual_attention.name, recipe.model.inter_modality.name) for key, recipe in made.items()
    }
    assert slots == SLOTS[table]
    assert list(slots) == [row.key for row in TABLES[table].rows]
    weight = {"full": 0.1, "weak": 0.08}[kind]
    for key, recipe in made.items():
        assert recipe.unimodal_weight == WEIGHTS.get(key, weight)
        assert (recipe.system, recipe.model.supervision, recipe.seed) == ("dmin", kind, 3)


def test_each_column_of_table2_asks_one_direction_by_one_protocol():
    asked = {}
    for column in GRIDS["table2"].columns:
        model = recipes("table2", column.name)["dcmr"].model
        asked[column.name] = (model.direction, model.protocol)
    assert asked == {
        "a2v": ("a2v", "context"),
        "v2a": ("v2a", "context"),
        "a2v-strict": ("a2v", "strict"),
        "v2a-strict": ("v2a", "strict"),
    }


def test_each_weak_row_says_how_it_pools():
    rows = {row.key: mil_pooling("table1", row.key, "weak", "brief", {}) for row in GRIDS["table1"].rows[:5]}
    assert rows == dict.fromkeys(["avel-video", "avel-audio", "avsdn", "avel", "cman"], "max")
    assert mil_pooling("table1", "psp", "weak", "brief", {}) == "mean"
    assert mil_pooling("table1", "dmin", "weak", "brief", {}) == "probabilities"
    assert mil_pooling("table1", "dmin", "weak", "official", {}) == "logits"
    assert mil_pooling("table1", "dmin", "weak", "brief", {"mil_pooling": "logits"}) == "logits"
    assert mil_pooling("table1", "dmin", "full", "brief", {}) is None
    assert mil_pooling("table2", "dcmr", "a2v", "brief", {}) is None
