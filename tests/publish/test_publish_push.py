from __future__ import annotations

from types import SimpleNamespace

import pytest
from huggingface_hub import HfApi
from huggingface_hub.errors import LocalEntryNotFoundError
from publish_runs import make_matching_run, make_run

from dmin.errors import ModelError
from dmin.publish import push_to_hub

SENT = {"README.md", "config.json", "localizer.json", "metrics.csv", "model.safetensors", "train.yaml"}


@pytest.fixture
def run(tmp_path):
    return make_run(tmp_path / "run")


def test_what_belongs_to_the_model_is_sent_and_nothing_else(hub, run, capfd):
    pushed = push_to_hub(run, "ann/bells", licence="mit")
    there = hub.files("ann/bells")
    assert there.keys() == SENT | {".gitattributes"}
    assert all(there[name] == (run / name).read_bytes() for name in SENT)
    assert (set(pushed.files), pushed.url, pushed.card_kept) == (SENT, f"{hub.url}/ann/bells", False)
    assert pushed.commit_url.startswith(f"{hub.url}/ann/bells/commit/")
    assert hub.repositories["model", "ann/bells"].messages[-1].startswith("Push DMIN, trained with dmin ")
    assert not hub.repositories["model", "ann/bells"].private
    assert capfd.readouterr() == ("", "")


def test_a_branch_and_a_message(hub, run):
    push_to_hub(run, "ann/bells", revision="v2", message="The second one")
    assert hub.files("ann/bells").keys() == {".gitattributes"}
    assert hub.files("ann/bells", "v2").keys() >= SENT
    assert hub.repositories["model", "ann/bells"].messages[-1] == "The second one"
    push_to_hub(run, "ann/bells", revision="v2")  # it is there now


def test_private_is_private_or_refused(hub, run):
    push_to_hub(run, "ann/secret", private=True)
    assert hub.repositories["model", "ann/secret"].private
    push_to_hub(run, "ann/secret", private=True)
    hub.add("ann/public", {"LICENSE": b"MIT"})
    with pytest.raises(
        ModelError, match=r"ann/public is public already: make it private at http.*/ann/public/settings"
    ):
        push_to_hub(run, "ann/public", private=True)
    assert hub.files("ann/public").keys() == {"LICENSE"}


def test_files_of_a_model_that_was_there_before_go(hub, run, tmp_path):
    hub.add("ann/bells", {"matcher.json": b"{}", "LICENSE": b"MIT"})
    push_to_hub(run, "ann/bells")
    assert hub.files("ann/bells").keys() == SENT | {"LICENSE"}
    push_to_hub(make_matching_run(tmp_path / "matching"), "ann/bells")
    assert hub.files("ann/bells").keys() == {"LICENSE", "README.md", "config.json", "matcher.json", "model.safetensors"}


def test_a_card_is_renewed_until_somebody_edits_it(hub, run):
    push_to_hub(run, "ann/bells", licence="mit")
    push_to_hub(run, "ann/strokes")
    card = (run / "README.md").read_text()
    assert "license: mit\n" in card
    assert "# strokes\n" in card
    (run / "README.md").write_text(card.replace("name them here", "AVE"))
    assert push_to_hub(run, "ann/bells").card_kept
    assert b"- **Videos**: not known to this card; AVE." in hub.files("ann/bells")["README.md"]
    with pytest.raises(ModelError, match=r"got the licence mit, but somebody has edited the card .*README.md, which"):
        push_to_hub(run, "ann/bells", licence="mit")


def test_a_card_that_was_edited_on_the_hub_stays(hub, run):
    push_to_hub(run, "ann/bells")
    hub.add("ann/bells", {"README.md": b"# Mine\n", "train.yaml": b"epochs: 1\n"})
    here = (run / "README.md").read_bytes()
    pushed = push_to_hub(run, "ann/bells")
    assert pushed.card_kept
    assert "README.md" not in pushed.files
    assert hub.files("ann/bells")["README.md"] == b"# Mine\n"
    assert hub.files("ann/bells")["train.yaml"] == (run / "train.yaml").read_bytes()
    assert (run / "README.md").read_bytes() == here
    with pytest.raises(ModelError, match="somebody has edited the card ann/bells, which stays as it is"):
        push_to_hub(run, "ann/bells", licence="mit")


def test_a_card_that_cannot_be_looked_at_is_not_replaced(hub, run, monkeypatch):
    hub.add("ann/bells", {"README.md": b"# Mine\n"})
    refused = OSError("busy")
    refused.response = SimpleNamespace(status_code=503)

    def no_answer(*_, **options):
        raise LocalEntryNotFoundError("not in the cache") from refused

    monkeypatch.setattr(HfApi, "hf_hub_download", no_answer)
    with pytest.raises(ModelError, match="was not pushed to ann/bells: the hub answers with status 503"):
        push_to_hub(run, "ann/bells")
    assert hub.files("ann/bells") == {"README.md": b"# Mine\n"}


@pytest.mark.parametrize(
    ("token", "name", "options", "message"),
    [
        (None, "ann/bells", {}, "nobody is logged in to the hub: run `hf auth login`, or set HF_TOKEN"),
        ("stolen", "ann/bells", {}, "was not pushed to ann/bells: the hub does not accept your token"),
        ("token-of-bob", "ann/bells", {}, "was not pushed to ann/bells: the hub does not permit it to your account"),
        ("token-of-bob", "ann/secret", {}, "was not pushed to ann/secret: the hub .*does not (permit|show) it to you"),
        ("token-of-ann", "bells", {}, "got the name 'bells': must be owner/name"),
        (
            "token-of-ann",
            "ann/bells",
            {"licence": "no-such-licence"},
            r"the hub refuses it \(.*must be one of .*mit\]\)",
        ),
    ],
)
def test_what_the_hub_does_not_permit(hub, run, monkeypatch, tmp_path, token, name, options, message):
    hub.add("ann/bells", {"LICENSE": b"MIT"})
    hub.add("ann/secret", {"LICENSE": b"MIT"}, private=True)
    hub.use(monkeypatch, tmp_path, token)
    with pytest.raises(ModelError, match=message) as refusal:
        push_to_hub(run, name, **options)
    assert "\n" not in str(refusal.value)
    assert hub.files("ann/bells").keys() == {"LICENSE"}
