// Pages work without this. Where a part of a page says that it changes by itself, it is fetched anew every other second.
"use strict";
// What somebody is typing is not thrown away.
const typing = () => [...document.querySelectorAll("input, textarea")].some((field) => field.value !== field.defaultValue);
const anew = () => typing() || location.reload();
for (const part of document.querySelectorAll("[data-refresh]")) {
  const again = async () => {
    try {
      const answer = await fetch(part.dataset.refresh, { headers: { Accept: "text/html" }, redirect: "error" });
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.getElementById(part.id);
      if (!fresh) return anew();
      part.replaceChildren(...fresh.childNodes);
      if (fresh.dataset.refresh) setTimeout(again, 2000);
      else anew();
    } catch {
      setTimeout(again, 10000);
    }
  };
  setTimeout(again, 2000);
}
