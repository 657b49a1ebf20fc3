/**
 * Runs inside a report: draws the charts with ECharts in the reader's theme, and again when the theme or the width changes. The page
 * supplies `echarts` and the formats `formatValue`, `formatCount` and `formatSeconds` (of client/src/display/numbers.ts) before this script.
 */
/* global document, window, matchMedia, getComputedStyle, ResizeObserver, echarts, formatValue, formatCount */
(() => {
  const charts = JSON.parse(document.getElementById("charts").textContent);
  /** Pixels around a legend, which are ECharts' own. */
  const legendPadding = 5;
  let drawn = [];

  function draw() {
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(`--${name}`).trim();
    for (const instance of drawn) instance.dispose();
    drawn = charts.map(({ id, option }) => {
      const place = document.getElementById(id);
      const instance = echarts.init(place, null, { renderer: "canvas" });
      const shown = themed(structuredClone(option), colour);
      const top = shown.grid?.top;
      const fit = () => {
        if (shown.legend) instance.setOption({ grid: { top: top + roomForLegend(shown, place.clientWidth) } });
      };
      instance.setOption(shown);
      fit();
      return { dispose: () => instance.dispose(), resize: () => [instance.resize(), fit()] };
    });
    document.documentElement.dataset.drawn = String(drawn.length);
  }

  /** Pixels that a legend needs beyond its first row, at this width. */
  function roomForLegend({ legend, series, textStyle }, width) {
    const pen = document.createElement("canvas").getContext("2d");
    pen.font = `12px ${textStyle.fontFamily}`;
    const names = legend.data ?? [...new Set(series.map(({ name }) => name))];
    let rows = 1;
    let at = 0;
    for (const name of names) {
      const item = legend.itemWidth + 5 + pen.measureText(name).width + legend.itemGap;
      if (at > 0 && at + item - legend.itemGap > width - 2 * legendPadding) {
        rows += 1;
        at = 0;
      }
      at += item;
    }
    return (rows - 1) * (legend.itemHeight + legend.itemGap);
  }

  function themed(option, colour) {
    const named = { ink: colour("ink"), soft: colour("soft"), useful: colour("good"), wasted: colour("bad") };
    const resolve = (name) => named[name] ?? colour(`c${Number(name) % 8}`);
    paintColours(option, resolve);
    const text = { color: colour("soft"), fontSize: 12 };
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches || document.hidden;
    option.animation = !still;
    option.animationDuration = 400;
    option.textStyle = { fontFamily: getComputedStyle(document.body).fontFamily, color: colour("ink") };
    option.tooltip = {
      ...option.tooltip,
      confine: true,
      backgroundColor: colour("card"),
      borderColor: colour("line"),
      textStyle: { color: colour("ink"), fontSize: 12.5 },
      valueFormatter: format,
    };
    if (option.legend) option.legend.textStyle = text;
    if (option.parallelAxis) fitNames(option);
    for (const axis of [option.xAxis, option.yAxis, ...(option.parallelAxis ?? [])]) if (axis) dressAxis(axis, colour, text);
    if (option.xAxis) Object.assign(option.xAxis, { nameLocation: "middle", nameGap: 30, splitLine: { show: false } });
    if (option.yAxis?.name) Object.assign(option.yAxis, { nameTextStyle: { ...text, align: "left" }, nameGap: 14 });
    if (option.visualMap) dressRamp(option.visualMap, colour, text);
    for (const series of option.series) dressSeries(series, colour);
    return option;
  }

  /** Replaces colour names, and only under keys that hold colours, so that no name of a search is ever taken for one. */
  function paintColours(node, resolve) {
    for (const [key, value] of Object.entries(node)) {
      if (key === "data" && typeof value[0] !== "object") continue;
      if (value !== null && typeof value === "object") paintColours(value, resolve);
      else if (key === "color" && typeof value === "string" && value.startsWith("@")) node[key] = resolve(value.slice(1));
    }
  }

  function dressAxis(axis, colour, text) {
    axis.nameTextStyle = { ...text, ...axis.nameTextStyle };
    axis.axisLine = { lineStyle: { color: colour("line") } };
    axis.axisTick = { show: false };
    axis.splitLine = { lineStyle: { color: colour("line"), type: "dashed" } };
    // Lines run through the labels of parallel axes: a rim around the letters keeps them readable and hides no more of a line than they do.
    const rim = axis.regulusRim ? { textBorderColor: colour("card"), textBorderWidth: 3 } : {};
    delete axis.regulusRim;
    axis.axisLabel = { ...text, hideOverlap: true, ...rim, ...axis.axisLabel };
    const words = wordsOf(axis);
    if (axis.type !== "category") axis.axisLabel.formatter = words;
    axis.axisPointer = { label: { formatter: ({ value }) => words(value) } };
  }

  /** Labels of an axis; below its values, where trials without one pass, stands one word and no number. */
  function wordsOf(axis) {
    const { regulusFrom: from, min } = axis;
    delete axis.regulusFrom;
    if (from === undefined) return format;
    const isLane = (value) => Math.abs(value - min) <= 0.05 * Math.abs(from - min);
    return (value) => (value >= from - 1e-9 * Math.abs(from) ? format(value) : isLane(value) ? "absent" : "");
  }

  /** Names and labels of parallel axes are as wide as the room to their neighbours; the whole name stands in the tooltip. */
  function fitNames({ parallel, parallelAxis }) {
    const width = document.querySelector("main").clientWidth - 90;
    const room = Math.floor((width - parallel.left - parallel.right) / Math.max(1, parallelAxis.length - 1)) - 10;
    for (const axis of parallelAxis) {
      axis.regulusRim = true;
      axis.nameTruncate = { maxWidth: Math.min(room, 2 * parallel.left - 10), ellipsis: "…" };
      if (axis.type === "category") axis.axisLabel = { width: Math.floor(0.6 * room), overflow: "truncate", interval: 0 };
    }
  }

  function dressRamp(map, colour, text) {
    const ramp = [colour("c1"), colour("c3"), colour("c0")];
    map.inRange = { color: map.regulusRamp === "lower" ? ramp.reverse() : ramp };
    map.textStyle = text;
    map.calculable = false;
    delete map.regulusRamp;
  }

  function dressSeries(series, colour) {
    if (series.endLabel) series.endLabel.formatter = ({ value }) => formatValue(value[1]);
    if (series.regulusBand) dressBand(series);
    if (series.type === "parallel") {
      series.emphasis = { lineStyle: { width: 4, opacity: 1 } };
      series.inactiveOpacity = 0.04;
      series.activeOpacity = 1;
      series.lineStyle = { color: colour("soft") };
    }
  }

  /** A filled polygon from points [x, low, high], drawn once, under the lines. */
  function dressBand(series) {
    const points = series.data;
    delete series.regulusBand;
    Object.assign(series, {
      type: "custom",
      silent: true,
      clip: true,
      z: 1,
      encode: { x: 0, y: [1, 2] },
      tooltip: { show: false },
      renderItem: (parameters, api) => {
        if (parameters.dataIndexInside !== 0) return { type: "group", children: [] };
        const above = points.map(([x, , high]) => api.coord([x, high]));
        const below = points.map(([x, low]) => api.coord([x, low])).reverse();
        return {
          type: "polygon",
          shape: { points: [...above, ...below] },
          style: { fill: series.itemStyle.color, opacity: 0.16 },
        };
      },
    });
  }

  function format(value) {
    if (Array.isArray(value)) return value.map(format).join(", ");
    if (typeof value !== "number") return String(value);
    return Number.isInteger(value) ? formatCount(value) : formatValue(value);
  }

  draw();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  const widths = new ResizeObserver(() => {
    for (const instance of drawn) instance.resize();
  });
  widths.observe(document.querySelector("main"));
  window.addEventListener("beforeprint", () => {
    for (const instance of drawn) instance.resize();
  });
})();
