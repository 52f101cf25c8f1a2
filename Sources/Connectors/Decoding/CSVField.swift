import Glibc

/// A field: between its quotes if it has some, without spaces around it if they do not count.
struct CSVField {
  /// Its first byte.
  var start: UnsafePointer<UInt8>
  var count = 0
  /// Bytes among them that stand for none: an escape, or the first of two quotes.
  var removed = 0
  var isQuoted = false

  /// Bytes of its text.
  var textCount: Int { count - removed }

  /// Copies the text, of `textCount` bytes.
  func copy(to destination: UnsafeMutablePointer<UInt8>, _ layout: CSVLayout) {
    if removed == 0 {
      memcpy(destination, start, count)
      return
    }
    var out = destination
    var at = start
    let end = start + count
    while at < end {
      // An escape, or a quote in quotes, which is the first of two: what follows stands for itself. The last byte of an input
      // has nothing behind it to escape.
      if at + 1 < end, Int32(at.pointee) == layout.escape || (isQuoted && layout.isQuote(at)) { at += 1 }
      out.pointee = at.pointee
      at += 1
      out += 1
    }
  }
}

/// Scans a field of any form. Returns where it ends: before a delimiter or a line end; nil with an issue when it is cut or more
/// text follows its closing quote.
func scanCSVField(
  _ start: UnsafePointer<UInt8>, _ layout: CSVLayout, _ field: inout CSVField, _ lines: inout Int,
  _ issue: inout CSVIssue
) -> UnsafePointer<UInt8>? {
  var first = start
  if layout.trimsText {
    while isCSVSpace(first), first.pointee != layout.delimiter { first += 1 }
  }
  if layout.isQuote(first) { return scanQuoted(first, layout, &field, &lines, &issue) }
  field = CSVField(start: first)
  guard let end = scanPlainField(first, layout, &field, &lines, &issue) else { return nil }
  field.count = end - first
  // An escaped space is meant.
  if layout.trimsText, field.removed == 0 {
    while field.count > 0, isCSVSpace(first + field.count - 1) { field.count -= 1 }
  }
  return end
}

private func isCSVSpace(_ at: UnsafePointer<UInt8>) -> Bool { at.pointee == 32 || at.pointee == 9 }

/// Scans the quoted field at `start`, where a quote stands. Returns where the field ends, nil with an issue when there is no
/// closing quote or more text follows it.
private func scanQuoted(
  _ start: UnsafePointer<UInt8>, _ layout: CSVLayout, _ field: inout CSVField, _ lines: inout Int,
  _ issue: inout CSVIssue
) -> UnsafePointer<UInt8>? {
  var at = start + 1
  var removed = 0
  while true {
    guard let found = nextQuote(at, layout, &removed) else {
      issue.kind = layout.isAtEnd ? .unterminatedQuote : .incomplete
      return nil
    }
    at = found + 1
    // At the window's end a line feed stands here; whether a quote follows is not known yet then.
    guard at < layout.limit, layout.isQuote(at) else { break }
    removed += 1
    at += 1
  }
  if at == layout.limit, !layout.isAtEnd {
    issue.kind = .incomplete
    return nil
  }
  field = CSVField(start: start + 1, count: at - start - 2, removed: removed, isQuoted: true)
  for index in 0..<field.count where field.start[index] == 10 { lines &+= 1 }
  let end = at
  if layout.trimsText {
    while isCSVSpace(at), at.pointee != layout.delimiter { at += 1 }
    if at == layout.limit, !layout.isAtEnd {
      issue.kind = .incomplete
      return nil
    }
  }
  guard layout.isFieldEnd(at) else {
    issue.kind = .textAfterQuote
    issue.text = start
    issue.textCount = end - start + 1
    return nil
  }
  return at
}

/// The next quote that no escape stands before; counts the escapes passed.
private func nextQuote(
  _ start: UnsafePointer<UInt8>, _ layout: CSVLayout, _ removed: inout Int
) -> UnsafePointer<UInt8>? {
  var at = start
  if layout.escape < 0 {
    guard at < layout.limit, let found = memchr(at, layout.quote, layout.limit - at) else { return nil }
    return UnsafePointer(found.assumingMemoryBound(to: UInt8.self))
  }
  while at < layout.limit {
    if Int32(at.pointee) == layout.escape {
      removed += 1
      at += 1
      guard at < layout.limit else { return nil }
    } else if layout.isQuote(at) {
      return at
    }
    at += 1
  }
  return nil
}

/// The end of the field at `start`, which is not quoted; nil with an issue when the window ends behind an escape.
func scanPlainField(
  _ start: UnsafePointer<UInt8>, _ layout: CSVLayout, _ field: inout CSVField, _ lines: inout Int,
  _ issue: inout CSVIssue
) -> UnsafePointer<UInt8>? {
  var at = start
  while !layout.isFieldEnd(at) {
    if Int32(at.pointee) == layout.escape {
      if at + 1 < layout.limit {
        field.removed += 1
        at += 1
        if at.pointee == 10 { lines &+= 1 }
      } else if !layout.isAtEnd {
        issue.kind = .incomplete
        return nil
      }
    }
    at += 1
  }
  return at
}

/// Passes a field that no column takes.
func skipCSVField(
  _ start: UnsafePointer<UInt8>, _ layout: CSVLayout, _ lines: inout Int, _ issue: inout CSVIssue
) -> UnsafePointer<UInt8>? {
  var field = CSVField(start: start)
  return scanCSVField(start, layout, &field, &lines, &issue)
}
