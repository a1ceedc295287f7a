// A run that goes on: the server sends its state whenever it has changed.
const live = document.querySelector("[data-live]");
if (live) {
  const said = document.querySelector("#said");
  const source = new EventSource(live.dataset.live);
  source.onmessage = (event) => {
    const told = JSON.parse(event.data);
    live.innerHTML = told.html;
    said.textContent = live.querySelector(".badge").textContent;
    if (told.ended) source.close();
  };
}
