import Networking
import TestSupport
import Testing

@testable import Flight

@Suite("Messages of gRPC")
struct GRPCMessageTests {
  private static func status(_ bytes: [UInt8], limit: Int = 100, encoding: String? = nil) -> GRPCStatus? {
    var decoder = GRPCMessageDecoder(limit: limit, encoding: encoding)
    return bytes.withUnsafeBytes { bytes in
      var rest = bytes
      do throws(GRPCStatus) {
        while !rest.isEmpty { _ = try decoder.next(&rest) }
        try decoder.finish()
        return nil
      } catch {
        return error
      }
    }
  }

  @Test("Messages come out as they went in, however the bytes are cut")
  func pieces() throws {
    var random = SeededGenerator()
    for _ in 0..<100 {
      let messages = (0..<Int.random(in: 0...8, using: &random)).map { _ in
        (0..<[0, 1, 4, 5, 300, 9000].randomElement(using: &random)!).map { _ in
          UInt8.random(in: 0...255, using: &random)
        }
      }
      var queue = OutputQueue()
      for message in messages { GRPCMessages.append(message, to: &queue) }
      var decoder = GRPCMessageDecoder()
      var read: [[UInt8]] = []
      try queue.takeAll().inPieces(upTo: [1, 7, 1000].randomElement(using: &random)!, &random) { rest in
        if let message = try decoder.next(&rest) { read.append(message) }
      }
      try decoder.finish()
      #expect(read == messages, "\(random)")
    }
  }

  @Test("Compressed messages are refused by the name of what compresses them")
  func compression() {
    #expect(
      Self.status([1, 0, 0, 0, 1, 9], encoding: "gzip")
        == GRPCStatus(
          .unimplemented, "a message is compressed with 'gzip', and messages are taken as they are (identity) only"))
    #expect(Self.status([1, 0, 0, 0, 1, 9])?.code == .internal)
    #expect(Self.status([2, 0, 0, 0, 1, 9])?.code == .internal)
    // With an encoding, messages may still come as they are.
    #expect(Self.status([0, 0, 0, 0, 1, 9], encoding: "gzip") == nil)
  }

  @Test("A length beyond the limit is refused before a byte of the message comes")
  func limit() {
    #expect(
      Self.status([0, 0, 0, 0, 101])
        == GRPCStatus(.resourceExhausted, "a message has 101 bytes, and at most 100 are taken"))
    #expect(Self.status([0, 0xFF, 0xFF, 0xFF, 0xFF])?.code == .resourceExhausted)
    #expect(Self.status([0, 0, 0, 0, 100] + [UInt8](repeating: 1, count: 100)) == nil)
  }

  @Test("A call that ends within a message is refused, wherever that is")
  func truncation() {
    let whole: [UInt8] = [0, 0, 0, 0, 3, 1, 2, 3, 0, 0, 0, 0, 0]
    for count in 0...whole.count {
      let isBetween = [0, 8, 13].contains(count)
      #expect((Self.status(Array(whole.prefix(count))) == nil) == isBetween, "\(count)")
    }
  }
}
