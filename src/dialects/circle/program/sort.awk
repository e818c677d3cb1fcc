# Sorts order[1..n] by before(a, b), and leaves what is equal as it is.
function sort(n, width, low, middle, high, left, right, at) {
  for (width = 1; width < n; width *= 2) {
    for (low = 1; low <= n; low = high) {
      middle = low + width <= n + 1 ? low + width : n + 1
      high = middle + width <= n + 1 ? middle + width : n + 1
      left = low
      right = middle
      for (at = low; at < high; at++) {
        if (left < middle && (right >= high || !before(order[right], order[left]))) merged[at] = order[left++]
        else merged[at] = order[right++]
      }
    }
    for (at = 1; at <= n; at++) order[at] = merged[at]
  }
}
