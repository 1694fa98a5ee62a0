// Icons as SVG elements; each is decoration beside a label or an aria-label of its button.

const PATHS = {
  menu: "M4 7h16M4 12h16M4 17h16",
  plus: "M12 5v14M5 12h14",
  send: "M12 19V5M6 11l6-6 6 6",
  stop: "M7 7h10v10H7z",
  copy: "M9 9h10v11H9zM5 15V4h10",
  again: "M4 12a8 8 0 0 1 14-5.3L20 9M20 4v5h-5M20 12a8 8 0 0 1-14 5.3L4 15M4 20v-5h5",
  edit: "M4 20h4L19 9l-4-4L4 16zM13 7l4 4",
  up: "M7 11v9H4v-9zM7 11l4-7c1.4 0 2.2 1 2 2.4L12.500 10H18a2 2 0 0 1 2 2.300l-1 5.700a2.400 2.400 0 0 1-2.400 2H7",
  down: "M7 13V4H4v9zM7 13l4 7c1.400 0 2.200-1 2-2.400L12.500 14H18a2 2 0 0 0 2-2.300l-1-5.700A2.400 2.400 0 0 0 16.600 4H7",
  left: "M14 6l-6 6 6 6",
  right: "M10 6l6 6-6 6",
  trash: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13M10 11v5M14 11v5",
  sliders: "M4 7h9M17 7h3M4 17h3M11 17h9M13 5v4M7 15v4",
  columns: "M4 5h16v14H4zM12 5v14",
  page: "M6 3h8l4 4v14H6zM14 3v4h4M9 12h6M9 16h6",
  close: "M6 6l12 12M18 6L6 18",
  pen: "M4 20h16M6 16l9-9 3 3-9 9H6z",
  check: "M5 12.500l4.500 4.500L19 7.500",
  down_arrow: "M6 10l6 6 6-6",
};

const SVG = "http://www.w3.org/2000/svg";

/** Return a new icon of this name. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("class", "icon");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}
