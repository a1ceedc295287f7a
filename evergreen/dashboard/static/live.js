// A run that goes on: the server sends its state whenever it has changed.
const live = document.querySelector("[data-live]");
const SPARE = 8; // pixels above the end of the log that still count as its end

// What a person was doing there: where the keyboard was, and how far the log was read.
const remember = () => {
  const log = live.querySelector(".log");
  const reachable = [...live.querySelectorAll("a, [tabindex]")];
  return {
    focus: reachable.indexOf(document.activeElement),
    read: log && log.scrollTop + log.clientHeight < log.scrollHeight - SPARE ? log.scrollTop : null,
  };
};
const restore = ({ focus, read }) => {
  const log = live.querySelector(".log");
  if (log) log.scrollTop = read ?? log.scrollHeight;
  if (focus >= 0) live.querySelectorAll("a, [tabindex]")[focus]?.focus({ preventScroll: true });
};

if (live) {
  restore({ focus: -1, read: null });
  const said = document.querySelector("#said");
  const source = new EventSource(live.dataset.live);
  source.onmessage = (event) => {
    const told = JSON.parse(event.data);
    const before = remember();
    live.innerHTML = told.html;
    restore(before);
    const state = live.querySelector(".badge").textContent;
    if (said.textContent !== state) said.textContent = state; // said once, not at every change
    if (told.ended) source.close();
  };
}
