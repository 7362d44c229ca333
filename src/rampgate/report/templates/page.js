"use strict";
(() => {
  // Paper cannot be unfolded. Style sheets do this alone where they can reach into what is folded.
  let unfolded = [];
  addEventListener("beforeprint", () => {
    unfolded = [...document.querySelectorAll("details:not([open])")];
    unfolded.forEach((one) => { one.open = true; });
  });
  addEventListener("afterprint", () => unfolded.forEach((one) => { one.open = false; }));

  if (!document.getElementById("vega") || !window.DecompressionStream) return; // the still pictures stay

  const unpacked = async (id) => {
    const packed = document.getElementById(id);
    const bytes = Uint8Array.from(atob(packed.textContent), (letter) => letter.charCodeAt(0));
    return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
  };

  // The library travels packed; unpacked it may run because the policy above names its hash.
  const load = async () => {
    const script = document.createElement("script");
    script.textContent = await unpacked("vega");
    document.body.append(script);
    if (!window.vegaEmbed) throw new Error("Vega did not start");
    return JSON.parse(await unpacked("specs"));
  };
  const loaded = { once: null };

  const tip = document.createElement("div");
  tip.id = "tip";
  tip.setAttribute("aria-hidden", "true");
  document.body.append(tip);

  // Vega's own tooltip writes style attributes, which this page forbids.
  const tooltip = (_, event, __, value) => {
    if (value === null || value === undefined || typeof value !== "object") {
      tip.style.display = "none";
      return;
    }
    tip.replaceChildren(...Object.entries(value).map(([name, text]) => {
      const line = document.createElement("div");
      for (const part of [name, text]) {
        const span = document.createElement("span");
        span.textContent = part;
        line.append(span);
      }
      return line;
    }));
    tip.style.display = "block";
    const { width, height } = tip.getBoundingClientRect();
    const left = Math.max(8, Math.min(event.clientX + 14, document.documentElement.clientWidth - width - 8));
    const above = event.clientY - height - 14;
    tip.style.left = `${left}px`;
    tip.style.top = `${above > 8 ? above : event.clientY + 18}px`;
  };

  const wake = async (picture) => {
    const live = picture.querySelector(".live");
    try {
      const specs = await (loaded.once ??= load());
      picture.classList.add("awake");
      // Read out it is one picture with one alternative; its parts, which Vega makes anew at every size, stay silent.
      const stage = document.createElement("div");
      stage.setAttribute("aria-hidden", "true");
      live.setAttribute("role", "img");
      live.setAttribute("aria-label", picture.querySelector(".still svg").getAttribute("aria-label"));
      live.append(stage);
      // ast: expressions are interpreted, since nothing may be evaluated here.
      await vegaEmbed(stage, specs[picture.dataset.spec], { ast: true, actions: false, defaultStyle: false, renderer: "svg", tooltip });
    } catch (error) {
      picture.classList.remove("awake"); // the still picture says the same
      console.error(error);
    }
  };

  // A picture is made to answer when it comes near; a width is known only of what is shown.
  const near = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (entry.isIntersecting) {
        near.unobserve(entry.target);
        wake(entry.target);
      }
    }
  }, { rootMargin: "400px" });
  document.querySelectorAll(".picture").forEach((picture) => near.observe(picture));
})();
