import Base
import VolleyPlan

/// The codecs that a job's plugins bring.
public struct CodecSet: Sendable {
  /// Bytes of a file that are enough to tell its compression.
  public static let magicLimit = 16

  public let codecs: [any BufferCodec]

  /// No codec at all.
  public static let none = CodecSet([])

  /// - Parameter codecs: their names differ.
  public init(_ codecs: [any BufferCodec]) { self.codecs = codecs }

  public var names: [String] { codecs.map(\.name) }

  /// The codec of that name.
  ///
  /// - Parameter place: what needs it, for the message: "source 'orders' (csv): orders.csv.gz".
  /// - Throws: `usage`: no plugin brings it.
  public func codec(named name: String, for place: String) throws(Failure) -> any BufferCodec {
    if let codec = codecs.first(where: { $0.name == name }) { return codec }
    throw missing("the codec '\(name)'", isKnown: KnownCodec.all.contains { $0.name == name }, near: name, place)
  }

  /// The codec of that number in Arrow's IPC metadata.
  ///
  /// - Parameter place: what needs it, for the message: "source 'trips' (arrow): trips.arrow".
  /// - Throws: `usage`: no plugin brings it; `data`: there is no such number.
  public func codec(arrowID: Int, for place: String) throws(Failure) -> any BufferCodec {
    if let codec = codecs.first(where: { $0.arrowID == arrowID }) { return codec }
    guard let known = KnownCodec.all.first(where: { $0.arrowID == arrowID }) else {
      let expected = KnownCodec.all.compactMap { known in known.arrowID.map { "\($0) (\(known.name))" } }
      throw Failure(
        .data,
        "\(place): the buffers are compressed with the unknown codec number \(arrowID), expected "
          + "\(expected.joined(separator: " or ")); write them with one of these")
    }
    throw missing("the codec '\(known.name)'", isKnown: true, near: known.name, place)
  }

  /// Tells the compression of an input by its first bytes; the codec need not be loaded.
  ///
  /// - Parameter isWhole: nothing follows these bytes.
  public func detect(_ head: UnsafeRawBufferPointer, isWhole: Bool) -> Detection {
    var isOpen = false
    for (name, magic) in magics where !magic.isEmpty {
      if head.count >= magic.count, head.prefix(magic.count).elementsEqual(magic) { return .codec(name) }
      if head.count < magic.count, head.elementsEqual(magic.prefix(head.count)) { isOpen = true }
    }
    return isOpen && !isWhole ? .undecided : .plain
  }

  /// What the first bytes of an input tell.
  public enum Detection: Sendable, Hashable {
    case codec(String)
    case plain
    /// More bytes are needed.
    case undecided
  }

  /// The name of the codec that files of that name are written with, loaded or not.
  public func name(forSuffixOf path: String) -> String? {
    for codec in codecs {
      if let suffix = codec.suffix, path.hasSuffix(suffix) { return codec.name }
    }
    return KnownCodec.all.first { path.hasSuffix($0.suffix) }?.name
  }

  /// The suffix of files of that codec, loaded or not.
  public func suffix(of name: String) -> String? {
    if let codec = codecs.first(where: { $0.name == name }) { return codec.suffix }
    return KnownCodec.all.first { $0.name == name }?.suffix
  }

  private var magics: [(name: String, magic: [UInt8])] {
    codecs.map { ($0.name, $0.magic) } + KnownCodec.all.map { ($0.name, $0.magic) }
  }

  private func missing(_ what: String, isKnown: Bool, near name: String, _ place: String) -> Failure {
    let remedy =
      isKnown
      ? "build Plugins/codecs and load it with --codec libcodecs.so"
      : "load the plugin that does with --codec"
    let known = names + KnownCodec.all.map(\.name)
    let hint = isKnown ? "" : nearestName(to: name, among: known).map { "; did you mean '\($0)'?" } ?? ""
    let loaded = names.isEmpty ? "none" : names.map { "'\($0)'" }.joined(separator: ", ")
    return Failure(.usage, "\(place): needs \(what), which no plugin brings (they bring: \(loaded)); \(remedy)\(hint)")
  }
}
