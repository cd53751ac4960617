// The page without this script is whole. With it, the page stays current.
(function () {
  "use strict";
  var byId = function (id) { return document.getElementById(id); };
  var liveness = byId("liveness"), pause = byId("pause"), news = byId("news");
  var source = null, paused = false, again = 0, said = headline();
  // How far the server's clock is ahead of this one, in milliseconds.
  var ahead = Date.parse(liveness.querySelector("time").dateTime) - Date.now();

  function headline() {
    var h = byId("headline");
    return h ? h.textContent.trim() : "";
  }

  // morph changes a node into another one, and keeps what is equal: so focus, selection, scroll
  // position and open details stay.
  function morph(from, to) {
    if (from.nodeType === Node.TEXT_NODE) {
      if (from.data !== to.data) from.data = to.data;
      return;
    }
    if (from.nodeType !== Node.ELEMENT_NODE) return;
    var keepOpen = from.nodeName === "DETAILS", i, a;
    for (i = to.attributes.length - 1; i >= 0; i--) {
      a = to.attributes[i];
      if (from.getAttribute(a.name) !== a.value) from.setAttribute(a.name, a.value);
    }
    for (i = from.attributes.length - 1; i >= 0; i--) {
      a = from.attributes[i];
      if (!to.hasAttribute(a.name) && !(keepOpen && a.name === "open")) from.removeAttribute(a.name);
    }
    var named = new Map();
    for (var child = from.firstElementChild; child; child = child.nextElementSibling) {
      if (child.id) named.set(child.id, child);
    }
    var at = from.firstChild;
    for (var next = to.firstChild; next; next = next.nextSibling) {
      // An element that the new children do not have makes room first, so that the next keeps its place.
      while (at && at.id && !(next.id && named.has(next.id)) && !to.ownerDocument.getElementById(at.id)) at = drop(from, at);
      var match = null;
      if (next.id) match = named.get(next.id) || null;
      else if (at && !at.id && at.nodeName === next.nodeName) match = at;
      if (!match || match.nodeName !== next.nodeName) {
        from.insertBefore(document.importNode(next, true), at);
        continue;
      }
      if (match === at) at = at.nextSibling;
      else from.insertBefore(match, at);
      morph(match, next);
    }
    while (at) at = drop(from, at);
  }

  function drop(parent, node) {
    var next = node.nextSibling;
    parent.removeChild(node);
    return next;
  }

  function receive(event) {
    if (event.lastEventId) ahead = Number(event.lastEventId) - Date.now();
    var next = new DOMParser().parseFromString(event.data, "text/html").body.firstElementChild;
    var at = next && byId(next.id);
    if (!at) return;
    morph(at, next);
    var now = headline();
    if (now !== said) {
      said = now;
      news.textContent = now;
      document.title = "Model fallback: " + now;
    }
    tick();
  }

  function wait(ms) {
    var s = Math.max(0, Math.floor(ms / 1000)), two = function (n, unit, rest, small) { return n + " " + unit + " " + rest + " " + small; };
    if (s < 60) return s + " s";
    if (s < 3600) return two(Math.floor(s / 60), "min", s % 60, "s");
    if (s < 86400) return two(Math.floor(s / 3600), "h", Math.floor(s / 60) % 60, "min");
    return two(Math.floor(s / 86400), "d", Math.floor(s / 3600) % 24, "h");
  }

  function write(node, text) {
    if (node.textContent !== text) node.textContent = text;
  }

  function tick() {
    if (paused) return;
    var now = Date.now() + ahead;
    document.querySelectorAll("[data-until]").forEach(function (node) {
      var left = Date.parse(node.dataset.until) - now;
      write(node, left <= 0 ? "at the next call" : "in " + wait(left + 999)); // rounded up: no call passes before
    });
    document.querySelectorAll("[data-since]").forEach(function (node) {
      write(node, wait(now - Date.parse(node.dataset.since)) + " ago");
    });
    if (source && source.readyState === EventSource.OPEN) {
      write(liveness, "Live, " + new Date(now).toISOString().slice(11, 19) + " UTC");
    }
  }

  function disconnect() {
    clearTimeout(again);
    if (source) source.close();
    source = null;
  }

  function connect() {
    disconnect();
    if (paused || document.hidden) return;
    source = new EventSource(document.body.dataset.events);
    source.onopen = tick;
    source.onerror = function () {
      write(liveness, "Not live: the connection is lost");
      if (source && source.readyState === EventSource.CLOSED) {
        disconnect();
        again = setTimeout(connect, 10000);
      }
    };
    source.addEventListener("section", receive);
  }

  pause.hidden = false;
  pause.addEventListener("click", function () {
    paused = !paused;
    pause.textContent = paused ? "Resume" : "Pause";
    if (paused) write(liveness, "Paused at " + new Date(Date.now() + ahead).toISOString().slice(11, 19) + " UTC");
    connect();
  });
  document.addEventListener("visibilitychange", connect);
  window.addEventListener("pagehide", disconnect);
  window.addEventListener("pageshow", function (event) { if (event.persisted) connect(); });
  setInterval(tick, 1000);
  connect();
})();
