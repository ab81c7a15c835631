"""The tab that finds a sound in a video's picture, or a picture in its sound."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import gradio as gr

from dmin.inference import Matcher
from dmin.report.answer import answer_html
from dmin.web.settings import ServeSettings
from dmin.web.shelf import Shelf
from dmin.web.visits import errors_as_messages, opened, shown_by

PLAYER = "match-player"
"""Id of the element that holds the video that is searched."""
NO_MODEL = (
    "No model for matching is here. Train one with `dmin train STORE --preset a2v-small` (a sound is searched in the "
    "picture) or `v2a-small` (a picture in the sound), and start the page with `dmin serve --models RUN`."
)


class MatchTab:
    """Lays the tab out, and answers what happens there."""

    def __init__(self, settings: ServeSettings) -> None:
        self.settings = settings
        self.shelf = Shelf(Matcher, settings.models, settings.device)

    def build(self) -> None:
        """Lay the tab out within the page that is being built."""
        names = list(self.shelf.folders)
        if not names:
            gr.Markdown(NO_MODEL)
            return
        with gr.Row():
            with gr.Column(scale=3):
                inside = gr.Video(label="Video to search", sources=["upload"], elem_id=PLAYER, height=380)
            with gr.Column(scale=2):
                query = gr.File(label="Sound or video to look for", file_types=["audio", "video"], height=140)
                with gr.Row():
                    start = gr.Number(0, label="from second", minimum=0)
                    end = gr.Number(0, label="to second (0: its end)", minimum=0)
                model = gr.Dropdown(names, value=names[0], label="Model", interactive=len(names) > 1)
                find = gr.Button("Find the place", variant="primary")
        summary = gr.Markdown("The best place shows up here, and plays.")
        answer = gr.HTML(apply_default_css=False)
        find.click(
            self.find,
            [query, inside, start, end, model],
            [inside, summary, answer],
            concurrency_limit=self.settings.at_once,
            concurrency_id="work",
            show_progress_on=[inside],
            api_visibility="private",
        )

    def find(
        self,
        query: str | None,
        inside: str | None,
        start: float,
        end: float,
        model: str,
        request: gr.Request,
        progress: gr.Progress = gr.Progress(),  # noqa: B008  # the library finds it by its default
    ) -> list[Any]:
        """Find the place of a query."""
        with errors_as_messages():
            searched = opened(inside, "the video to search", self.settings)
            asked = opened(query, "a sound or a video to look for", self.settings)
            match = self.shelf[model](
                asked.path,
                inside=searched.path,
                start_seconds=start,
                end_seconds=end or None,
                progress=shown_by(progress, request, searched.info.duration_seconds),
            )
            match = replace(match, query=asked.path.name, inside=searched.path.name)
            words = f"{match.start_seconds:g} to {match.end_seconds:g} s, score {match.score:.2f}"
            player = gr.Video(str(searched.path), playback_position=match.start_seconds, autoplay=True)
            return [player, f"**Best place: {words}**", answer_html(match, player=PLAYER)]
