import CVolley

/// What a plugin says of itself before any of its code runs: the note in `.note.volley`, see `volley_note` in volley.h.
public struct PluginNote: Sendable, Hashable {
  public var abiMajor: UInt16
  /// The minor of the header that the plugin was compiled with.
  public var abiMinor: UInt16
  /// The lowest host minor that can run it.
  public var hostMinorMinimum: UInt16
  public var sdkVersion: String
  public var compiler: String

  static let owner = "Volley"
  static let section = ".note.volley"

  enum Fault: Error, Equatable {
    case short(Int)
    case magic(UInt32)
  }

  /// - Parameter descriptor: the note without its ELF header, from `magic` on.
  init(descriptor: [UInt8]) throws(Fault) {
    let magicOffset = MemoryLayout<volley_note>.offset(of: \volley_note.magic)!  // A stored member has an offset.
    guard descriptor.count >= MemoryLayout<volley_note>.size - magicOffset else { throw .short(descriptor.count) }
    func short(_ at: Int) -> UInt16 { UInt16(descriptor[at]) | UInt16(descriptor[at + 1]) << 8 }
    func text(_ range: Range<Int>) -> String { String(decoding: descriptor[range].prefix { $0 != 0 }, as: UTF8.self) }
    let magic = UInt32(short(0)) | UInt32(short(2)) << 16
    guard magic == VOLLEY_NOTE_MAGIC else { throw .magic(magic) }
    abiMajor = short(4)
    abiMinor = short(6)
    hostMinorMinimum = short(8)
    sdkVersion = text(12..<28)
    compiler = text(28..<124)
  }

  /// "SDK 0.1.0, Swift 6.3, clang 21.0".
  public var builtWith: String {
    let sdk = sdkVersion.isEmpty ? "an unnamed SDK" : "SDK \(sdkVersion)"
    return compiler.isEmpty ? sdk : "\(sdk), \(compiler)"
  }
}
