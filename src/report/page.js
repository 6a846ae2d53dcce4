// Sorting and filtering of the fields; without scripts the page shows everything.
(function () {
  "use strict";
  var table = document.getElementById("fields");
  if (!table) return;
  var body = table.tBodies[0], rows = Array.prototype.slice.call(body.rows);
  var search = document.getElementById("search"), source = document.getElementById("source");
  var category = document.getElementById("category"), sensitive = document.getElementById("sensitive");
  var shown = document.getElementById("shown");
  document.getElementById("controls").hidden = false;

  function filter() {
    var words = search.value.toLowerCase().split(/\s+/).filter(Boolean), n = 0;
    rows.forEach(function (row) {
      var text = row.textContent.toLowerCase(), d = row.dataset;
      var keep = words.every(function (w) { return text.indexOf(w) >= 0; })
        && (!source.value || d.source === source.value)
        && (!category.value || d.categories.split(" ").indexOf(category.value) >= 0)
        && (!sensitive.checked || d.sensitive === "true");
      row.hidden = !keep;
      if (keep) n++;
    });
    shown.textContent = n + " of " + rows.length + " fields";
  }

  table.tHead.addEventListener("click", function (event) {
    var button = event.target.closest("button");
    if (!button) return;
    var head = button.closest("th"), index = head.cellIndex;
    var down = head.getAttribute("aria-sort") === "ascending";
    Array.prototype.forEach.call(head.parentNode.cells, function (cell) { cell.removeAttribute("aria-sort"); });
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    var number = head.classList.contains("n");
    function key(row) {
      var cell = row.cells[index];
      return number ? Number(cell.dataset.n) : cell.textContent.trim().toLowerCase();
    }
    rows.sort(function (a, b) {
      var x = key(a), y = key(b), order = x < y ? -1 : x > y ? 1 : 0;
      return down ? -order : order;
    }).forEach(function (row) { body.appendChild(row); });
  });

  [search, source, category, sensitive].forEach(function (control) { control.addEventListener("input", filter); });
  filter();
})();
