import Testing
import Text

/// Functions write no more than their caller has a use for, and take no memory for what they would.
struct TextLimitTests {
  /// - Returns: how many bytes `body` writes where 250 are of use, whether the writer is full then, and for how many it asked.
  private func limited(_ body: (inout TextWriter) -> Void) -> (written: Int, isFull: Bool, asked: Int) {
    var memory = [UnsafeMutableBufferPointer<UInt8>.allocate(capacity: 1)]
    defer { for block in memory { block.deallocate() } }
    var asked = 0
    var writer = TextWriter(capacity: 1, limit: 250) { count, capacity in
      asked = capacity
      memory.append(.allocate(capacity: min(capacity, 1 << 20)))
      _ = memory[memory.count - 1].update(fromContentsOf: memory[memory.count - 2].prefix(count))
      return memory[memory.count - 1]
    }
    body(&writer)
    return (writer.count, writer.isFull, asked)
  }

  /// Expects that `body` finds no room, and neither writes nor asks for more than 250 bytes.
  private func refuses(_ place: Comment, _ body: (inout TextWriter) -> Void) {
    let (written, isFull, asked) = limited(body)
    #expect(isFull, place)
    #expect(written <= 250 && asked <= 250, "\(place): \(written) bytes of \(asked)")
  }

  private let text = String(repeating: "a", count: 240)
  private let piece = String(repeating: "x", count: 100)

  @Test("a text that does not fit is not appended, and the writer stays full")
  func appending() {
    withBytes(piece) { piece in
      refuses("100 times 3") { writer in for _ in 0..<3 { writer.append(piece) } }
      let (written, isFull, _) = limited { writer in
        for _ in 0..<3 { writer.append(piece) }
        writer.append(TextBytes(rebasing: piece[..<1]))
      }
      #expect(written <= 201 && isFull)
      let whole = limited { writer in
        for _ in 0..<2 { writer.append(piece) }
        writer.append(TextBytes(rebasing: piece[..<50]))
      }
      #expect(whole.written == 250 && !whole.isFull)
    }
  }

  @Test("replacing stops")
  func replacing() throws {
    withBytes(text) { text in
      withBytes(piece) { piece in
        refuses("replace") { UTF8Text.replace(text, SubstringSearcher([0x61]), with: piece, into: &$0) }
      }
    }
    for template in [piece, String(repeating: "\\0", count: 100)] {
      let expression = try RegularExpression("a")
      let replacement = try RegexTemplate(template, for: expression)
      withBytes(text) { text in
        expression.withMatcher { matcher in
          refuses("a template of \(template)") { matcher.replace(text, with: replacement, into: &$0) }
        }
      }
    }
  }

  @Test("repetition and padding are refused before they are begun, however much is asked for")
  func gigantic() {
    for count in [251, 1 << 31, 1 << 62, Int.max - 1, .max] {
      for piece in ["x", "xy", "é", "é日"] {
        withBytes(piece) { bytes in
          refuses("\(count) times \(piece)") { UTF8Text.repeat(bytes, count, into: &$0) }
          for side in [TextSide.start, .end, .both] {
            refuses("\(count) characters of \(piece)") { writer in
              withBytes("a") { UTF8Text.pad($0, to: count, with: bytes, at: side, into: &writer) }
            }
          }
        }
      }
    }
    // Nothing to repeat or to fill up with takes no room.
    withBytes("a") { text in
      withBytes("") { nothing in
        #expect(limited { UTF8Text.repeat(nothing, .max, into: &$0) } == (0, false, 1))
        #expect(limited { UTF8Text.pad(text, to: .max, with: nothing, at: .end, into: &$0) } == (1, false, 1))
      }
    }
    withBytes("é") { fill in
      withBytes("a") { text in
        let (written, isFull, _) = limited { UTF8Text.pad(text, to: 125, with: fill, at: .both, into: &$0) }
        #expect(written == 249 && !isFull)
      }
    }
  }
}
