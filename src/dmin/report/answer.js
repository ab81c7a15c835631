// Ties each answer on the page to its video: clicks play it from there, and a line shows where it is.
(() => {
  const video = (answer) => {
    const element = document.getElementById(answer.dataset.player);
    return element?.matches("video") ? element : element?.querySelector("video");
  };

  document.addEventListener("click", (event) => {
    const place = event.target.closest(".dmin-answer[data-player] :is([data-start], .dmin-curve)");
    const answer = place?.closest(".dmin-answer");
    const player = answer && video(answer);
    if (!player) return;
    const box = place.getBoundingClientRect();
    const clicked = (answer.dataset.duration * (event.clientX - box.left)) / box.width;
    player.currentTime = Number(place.dataset.start ?? clicked);
    player.play().catch(() => {});
  });

  // Events of media do not bubble, so they are caught on their way down.
  for (const name of ["timeupdate", "seeked"]) {
    document.addEventListener(name, (event) => {
      for (const answer of document.querySelectorAll(".dmin-answer[data-player]")) {
        if (video(answer) !== event.target) continue;
        const now = event.target.currentTime;
        answer.style.setProperty("--playhead", "block");
        answer.style.setProperty("--now", `${(100 * now) / answer.dataset.duration}%`);
        for (const row of answer.querySelectorAll("tr[data-start]")) {
          row.classList.toggle("dmin-now", row.dataset.start <= now && now < row.dataset.end);
        }
      }
    }, true);
  }
})();
