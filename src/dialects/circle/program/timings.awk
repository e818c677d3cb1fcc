# Weighs tests by the seconds they took. 0: nothing is known of any of them.
function weigh(file, type, i, key, smallest, unknown, given) {
  file = ENVIRON["TIMINGS"]
  known = 0
  if (file != "") read(file)
  if (known == 0) {
    warn("no timings are known yet, so the tests are split by name; they are kept of store_test_results in jobs that succeed")
    return 0
  }
  type = ENVIRON["TYPE"] == "autodetect" ? detect() : ENVIRON["TYPE"]
  smallest = -1
  for (i = 1; i <= count; i++) {
    key = type SUBSEP plain(type, text[i])
    if (!(key in seconds)) continue
    weight[i] = seconds[key]
    if (smallest < 0 || weight[i] < smallest) smallest = weight[i]
  }
  if (smallest < 0) {
    warn("the timings know none of the tests, so they are split by name; make sure that the test reports have `file` or `classname`")
    if (count > 0) warn("one of the tests: \"" text[1] "\", one of the timings: \"" example "\"")
    return 0
  }
  given = ENVIRON["FALLBACK"] == "" ? smallest : duration(ENVIRON["FALLBACK"])
  unknown = 0
  for (i = 1; i <= count; i++) {
    if ((type SUBSEP plain(type, text[i])) in seconds) continue
    weight[i] = given
    if (++unknown <= 10) warn("No timing found for \"" text[i] "\"")
  }
  if (unknown > 10) warn("and for " (unknown - 10) " others")
  return 1
}

# By which of both most tests are known.
function detect(i, files, classes) {
  files = classes = 0
  for (i = 1; i <= count; i++) {
    if (("file" SUBSEP plain("file", text[i])) in seconds) files++
    if (("classname" SUBSEP text[i]) in seconds) classes++
  }
  return classes > files ? "classname" : "file"
}

# A path as it is from the directory that one is in.
function plain(type, name, here) {
  if (type != "file") return name
  here = ENVIRON["HERE"] "/"
  if (index(name, here) == 1) name = substr(name, length(here) + 1)
  while (substr(name, 1, 2) == "./") name = substr(name, 3)
  return name
}

function add(type, name, time) {
  if (name == "") return
  name = plain(type, name)
  seconds[type, name] += time
  if (known++ == 0 || type == "file") example = name
}

# Lines of type, seconds and name, or the form that CircleCI has: JSON with a flat object for each test.
function read(file, line, first, parts) {
  first = 1
  while ((getline line < file) > 0) {
    if (first && line ~ /^[ \t]*[{[]/) {
      close(file)
      readJson(file)
      return
    }
    first = 0
    if (match(line, /^[a-z]+\t[0-9.]+\t/)) {
      split(line, parts, "\t")
      add(parts[1], substr(line, RLENGTH + 1), parts[2] + 0)
    }
  }
  close(file)
}

function readJson(file, saved, object, more, key, value, field) {
  saved = RS
  RS = "}"
  while ((getline object < file) > 0) {
    while (endsInText(object) && (getline more < file) > 0) object = object "}" more
    for (key in field) delete field[key]
    while (match(object, /"[a-z_]+"[ \t\r\n]*:[ \t\r\n]*("([^"\\]|\\.)*"|[-0-9.eE+]+)/)) {
      value = substr(object, RSTART, RLENGTH)
      object = substr(object, RSTART + RLENGTH)
      key = substr(value, 2, index(substr(value, 2), "\"") - 1)
      sub(/^"[a-z_]+"[ \t\r\n]*:[ \t\r\n]*/, "", value)
      if (value ~ /^"/) value = unescaped(substr(value, 2, length(value) - 2))
      field[key] = value
    }
    value = ("run_time" in field) ? field["run_time"] : field["time"]
    if (value == "") continue
    add("file", field["file"] "", value + 0)
    add("classname", field["classname"] "", value + 0)
    add("name", field["name"] "", value + 0)
  }
  RS = saved
  close(file)
}

function endsInText(text) {
  gsub(/\\./, "", text)
  return gsub(/"/, "", text) % 2
}

function unescaped(text, out, at) {
  out = ""
  while ((at = index(text, "\\")) > 0) {
    out = out substr(text, 1, at - 1) substr(text, at + 1, 1)
    text = substr(text, at + 2)
  }
  return out text
}

# Seconds of `1m30s`; a number alone counts seconds.
function duration(text, rest, sum, number, unit) {
  rest = text
  sum = 0
  while (match(rest, /^[0-9.]+[a-z]*/)) {
    unit = substr(rest, 1, RLENGTH)
    rest = substr(rest, RLENGTH + 1)
    number = unit + 0
    sub(/^[0-9.]+/, "", unit)
    if (unit == "ms") sum += number / 1000
    else if (unit == "s" || unit == "") sum += number
    else if (unit == "m") sum += number * 60
    else if (unit == "h") sum += number * 3600
    else break
  }
  if (rest != "" || text == "") warn("`" text "` is no time like 10s, so it counts as " sum " s")
  return sum
}
