import TestSupport
import Testing

/// Protobuf's own library, in Python.
enum ProtobufPeer {
  /// The answers to commands of Peers/peer.py.
  static func ask(_ commands: [String]) throws -> [String] {
    let script = "\(TestEnvironment.repository)/Tests/FlightTests/Peers/peer.py"
    let outcome = TestProcess.run(["python3", script], input: commands.map { $0 + "\n" }.joined())
    try #require(outcome.status == 0, "\(outcome.errors)")
    let answers = outcome.output.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init)
    try #require(answers.count == commands.count, "\(outcome.errors)")
    return answers
  }

  static func hex(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789abcdef")
    return String(bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
  }

  static func bytes(_ hex: String) -> [UInt8] {
    let digits = hex.utf8.map { $0 < 0x3A ? $0 - 0x30 : $0 - 0x57 }
    return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
  }
}
