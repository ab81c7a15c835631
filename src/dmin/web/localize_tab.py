"""The tab that finds the events of a video."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import gradio as gr

from dmin.errors import DminError
from dmin.inference import Localizer
from dmin.media import cut_events
from dmin.models.settings import LocalizerSettings
from dmin.report.answer import answer_html
from dmin.report.timeline import timeline_figure
from dmin.results.events import Events
from dmin.results.formats import FORMATS
from dmin.web.settings import ServeSettings
from dmin.web.shelf import Shelf
from dmin.web.visits import errors_as_messages, new_file, opened, shown_by

PLAYER = "player"
"""Id of the element that holds the video."""
INVITATION = "Events show up here: what is both heard and seen, second by second."


@dataclass(frozen=True)
class Visit:
    """A video and its answer."""

    video: Path
    events: Events
    """Its video is the bare name of the file: no answer tells a path of the server."""
    min_seconds: float = 1.0


class LocalizeTab:
    """Lays the tab out, and answers what happens there."""

    def __init__(self, settings: ServeSettings) -> None:
        self.settings = settings
        self.shelf = Shelf(Localizer, settings.models, settings.device)

    def build(self) -> None:
        """Lay the tab out within the page that is being built."""
        names = list(self.shelf.folders)
        visit = gr.State(None, time_to_live=self.settings.keep_seconds)
        with gr.Row():
            with gr.Column(scale=3):
                video = gr.Video(label="Drop a video here", sources=["upload"], elem_id=PLAYER, height=380)
            with gr.Column(scale=2):
                model = gr.Dropdown(names, value=names[0], label="Model", interactive=len(names) > 1)
                threshold = gr.Slider(0, 1, self.threshold(names[0]), step=0.01, label="Threshold")
                shortest = gr.Slider(0, 10, 1, step=0.5, label="Shortest event (seconds)")
                find = gr.Button("Find events", variant="primary")
        summary = gr.Markdown(INVITATION)
        answer = gr.HTML(apply_default_css=False)
        with gr.Row(visible=False) as downloads:
            formats = [(f"{name}: {FORMATS[name].words}", name) for name in FORMATS]
            form = gr.Dropdown(formats, value="json", label="Format", scale=3)
            download = gr.DownloadButton("Download", scale=1)
            cut = gr.Button("Cut out the events", scale=1)
        clips = gr.Files(label="Clips", visible=False, interactive=False)
        with gr.Accordion("What the network saw and heard", open=False, visible=False, elem_id="seen") as seen:
            picture = gr.Plot(show_label=False)
        is_open = gr.State(False)

        shown = [video, visit, summary, answer, download, downloads, seen, clips]
        quiet: dict[str, Any] = {"api_visibility": "private"}
        # What takes no time waits for no other visitor.
        at_once: dict[str, Any] = {"show_progress": "hidden", "trigger_mode": "always_last", "queue": False, **quiet}
        for asked in (video.upload, find.click):
            found = asked(
                self.find,
                [video, model, threshold, shortest, form],
                shown,
                concurrency_limit=self.settings.at_once,
                concurrency_id="work",
                show_progress_on=[video],
                **quiet,
            )
            found.success(self.draw, [visit, is_open], picture, **quiet)
            found.failure(self.forget, None, shown[1:], **at_once)
        for slider in (threshold, shortest):
            moved = slider.change(self.decide, [visit, threshold, shortest, form], shown, **at_once)
            moved.success(self.draw, [visit, is_open], picture, **at_once)
        unfolded = seen.expand(lambda: True, None, is_open, **at_once)
        unfolded.success(self.draw, [visit, is_open], picture, **quiet)
        seen.collapse(lambda: False, None, is_open, **at_once)
        form.change(self.save, [visit, form], download, **at_once)
        model.change(self.threshold, model, threshold, **at_once | {"queue": True})  # only then is its error shown
        cut.click(self.cut, visit, clips, concurrency_id="work", **quiet)
        video.clear(self.forget, None, shown[1:], **at_once)

    def threshold(self, name: str) -> float:
        """The threshold of a model, read without its weights."""
        with errors_as_messages(), self.shelf.hiding_folder(name):
            return round(LocalizerSettings.load(self.shelf.folders[name]).threshold, 2)

    def find(
        self,
        path: str | None,
        model: str,
        threshold: float,
        min_seconds: float,
        form: str,
        request: gr.Request,
        progress: gr.Progress = gr.Progress(),  # noqa: B008  # the library finds it by its default
    ) -> list[Any]:
        """Find the events of an upload."""
        with errors_as_messages():
            recording = opened(path, "a video", self.settings, keeps_footage=True)
            report = shown_by(progress, request, recording.info.duration_seconds)
            if not recording.info.has_audio:
                gr.Warning(f"{recording.path.name} has no sound, and an event is both heard and seen")
            localizer = self.shelf[model]
            events = localizer(
                recording, threshold=threshold, min_seconds=min_seconds, missing_audio="silence", progress=report
            )
            visit = Visit(recording.path, replace(events, video=recording.path.name), min_seconds)
            return [gr.Video(str(visit.video), subtitles=_subtitles(events)), *self._below(visit, form)]

    def decide(self, visit: Visit | None, threshold: float, min_seconds: float, form: str) -> list[Any]:
        """Decide again; nothing is computed again, and the video plays on."""
        if visit is None:
            return [gr.skip()] * 8
        visit = Visit(visit.video, visit.events.above(threshold, min_seconds), min_seconds)
        return [gr.Video(subtitles=_subtitles(visit.events)), *self._below(visit, form)]

    def draw(self, visit: Visit | None, is_open: bool) -> Any:
        """Draw what was seen and heard, if somebody looks."""
        if visit is None or visit.events.footage is None or not is_open:
            return gr.skip()
        return timeline_figure(visit.events, visit.events.footage)

    def save(self, visit: Visit | None, form: str) -> Any:
        """Write the events in a format, for the button that downloads them."""
        if visit is None:
            return gr.skip()
        path = new_file(f"{visit.video.stem}{FORMATS[form].suffix}")
        visit.events.save(path, form)
        return gr.DownloadButton(f"Download {FORMATS[form].suffix}", str(path))

    def cut(self, visit: Visit | None, request: gr.Request, progress: gr.Progress = gr.Progress()) -> Any:  # noqa: B008
        """Cut the events out of the video."""
        with errors_as_messages():
            if visit is None or not visit.events:
                raise DminError("there is no event to cut out: lower the threshold")
            folder = new_file("clips")
            report = shown_by(progress, request, len(visit.events))
            clips = cut_events(visit.video, visit.events, folder, progress=report)
            return gr.Files([str(clip) for clip in clips], visible=True)

    def forget(self) -> list[Any]:
        """Take the answer away, of a video that is gone or that the next model failed on."""
        return [None, INVITATION, "", None, gr.Row(visible=False), gr.Accordion(visible=False), gr.Files(visible=False)]

    def _below(self, visit: Visit, form: str) -> list[Any]:
        """Values of all that is shown below the video."""
        return [
            visit,
            f"**{visit.events.summary(visit.min_seconds)}**",
            answer_html(visit.events, player=PLAYER),
            self.save(visit, form),
            gr.Row(visible=True),
            gr.Accordion(visible=True),
            gr.Files(None, visible=False),
        ]


def _subtitles(events: Events) -> list[dict[str, Any]]:
    """Events as the player takes them."""
    return [{"text": event.category, "timestamp": [event.start_seconds, event.end_seconds]} for event in events]
