/* Colours before the first paint, and three comforts. Every page works without this file. */
(() => {
  const root = document.documentElement;
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const key = "adminTheme"; // the theme's own key and spelling, so that its pages agree

  const chosen = () => {
    try { return JSON.parse(localStorage.getItem(key)) || "auto"; } catch { return "auto"; }
  };
  const paint = () => {
    const theme = chosen();
    root.classList.toggle("dark", theme === "dark" || (theme === "auto" && dark.matches));
    for (const button of document.querySelectorAll("[data-theme]")) {
      button.setAttribute("aria-pressed", String(button.dataset.theme === theme));
    }
  };
  const copy = async (button) => {
    const sign = button.querySelector(".material-symbols-outlined");
    try { await navigator.clipboard.writeText(button.dataset.copy); } catch { return; }
    sign.textContent = "check";
    setTimeout(() => { sign.textContent = "content_copy"; }, 1500);
  };
  // What the server wrote stays for as long as it says it better: more than a day, or nothing left.
  const tick = () => {
    for (const place of document.querySelectorAll("[data-until]")) {
      const left = Math.floor((Date.parse(place.dataset.until) - Date.now()) / 1000);
      if (!(left >= 0 && left < 86400)) continue;
      const pair = (number) => String(number).padStart(2, "0");
      place.textContent = `${Math.floor(left / 3600)}:${pair(Math.floor(left / 60) % 60)}:${pair(left % 60)}`;
      place.classList.toggle("aw-soon", left < 600);
    }
  };
  const begin = () => {
    paint();
    if (!document.querySelector("[data-until]")) return;
    tick();
    setInterval(tick, 1000);
  };

  root.classList.add("aw-scripted");
  paint();
  dark.addEventListener("change", paint);
  document.addEventListener("DOMContentLoaded", begin);
  document.addEventListener("click", (event) => {
    const theme = event.target.closest("[data-theme]");
    if (theme) {
      try { localStorage.setItem(key, JSON.stringify(theme.dataset.theme)); } catch { /* private */ }
      paint();
    }
    const copied = event.target.closest("[data-copy]");
    if (copied) copy(copied);
  });
})();
