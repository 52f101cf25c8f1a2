import Base
import VolleyPlan

/// A manifest, or the seal of a number that no epoch is to have, as the bytes of a file that tell whether they are as
/// they were written.
///
/// The first member, `sha256`, is the digest of the whole document with zeros in the place of its 64 digits.
public enum ManifestDocument: Sendable, Hashable {
  case manifest(Manifest)
  case seal(Seal)

  private static let opening = Array(#"{"sha256":""#.utf8)
  private static let digits = 64

  public func encoded() throws(PlanError) -> [UInt8] {
    let content: JSONValue
    switch self {
    case .manifest(let manifest): content = try PlanEncoder().encode(manifest)
    case .seal(let seal): content = .object([.init("seal", try PlanEncoder().encode(seal))])
    }
    guard case .object(let members) = content else { preconditionFailure("a document is an object") }
    let zeros = JSONValue.string(String(repeating: "0", count: Self.digits))
    var bytes = Array(JSONValue.object([.init("sha256", zeros)] + members).text.utf8) + [0x0A]
    let place = Self.opening.count..<(Self.opening.count + Self.digits)
    bytes.replaceSubrange(place, with: SHA256.text(of: bytes).utf8)
    return bytes
  }

  /// - Parameter path: leads messages.
  /// - Throws: `data` when it is not what was written, or was written by a newer version.
  public init(_ bytes: [UInt8], path: String) throws(Failure) {
    try Self.check(bytes, path)
    do throws(PlanError) {
      guard case .object(let members) = try JSONValue.parse(bytes) else { throw PlanError("is no JSON object") }
      let content = JSONValue.object(Array(members.dropFirst()))
      if let seal = content["seal"] {
        self = .seal(try PlanDecoder().decode(Seal.self, from: seal))
        return
      }
      guard case .int(let format)? = content["format"] else { throw PlanError("does not say its format") }
      guard format >= 1, format <= Manifest.currentFormat else {
        throw PlanError(
          "has format \(format) and this version reads 1 to \(Manifest.currentFormat): use the host "
            + "that wrote it or a newer one")
      }
      self = .manifest(try PlanDecoder().decode(Manifest.self, from: content))
    } catch {
      throw Failure(.data, "\(path): the manifest cannot be read: \(error.message)")
    }
  }

  private static func check(_ bytes: [UInt8], _ path: String) throws(Failure) {
    let place = opening.count..<(opening.count + digits)
    guard bytes.count > place.upperBound, bytes.starts(with: opening) else {
      throw Failure(
        .data,
        "\(path): is no manifest: expected it to begin with its digest, found \(bytes.count) bytes of something else")
    }
    var zeroed = bytes
    zeroed.replaceSubrange(place, with: repeatElement(UInt8(ascii: "0"), count: digits))
    let expected = SHA256.text(of: zeroed)
    guard bytes[place].elementsEqual(expected.utf8) else {
      throw Failure(
        .data,
        "\(path): the manifest is damaged: its digest is \(expected.prefix(12))…, expected "
          + "\(String(decoding: bytes[place].prefix(12), as: UTF8.self))…")
    }
  }
}

/// Says that no epoch has this number, so that whoever owned the directory before cannot complete one under it.
public struct Seal: Codable, Sendable, Hashable {
  public var generation: Generation
  /// The epoch that the job went on from; nil when it began empty. Complete epochs between that and this number are
  /// abandoned: a job that goes on from the newest one passes over them.
  public var from: Epoch?
  /// Of those that it abandons, the ones that were passed over because they are damaged: what they have shown is to show no
  /// more, also when whoever sealed the number dies before it is done. Absent: none.
  public var broken: [Epoch]?

  enum CodingKeys: String, CodingKey, CaseIterable { case generation, from, broken }

  public init(generation: Generation, from: Epoch?, broken: [Epoch] = []) {
    self.generation = generation
    self.from = from
    self.broken = broken.isEmpty ? nil : broken
  }
}
