import Arrow
import Base
import Testing
import VolleyPlan

@Suite struct CodecSetTests {
  /// A codec by name only.
  private final class NamedCodec: BufferCodec {
    let name: String
    let suffix: String?
    let magic: [UInt8]
    let arrowID: Int?

    init(_ name: String, suffix: String?, magic: [UInt8], arrowID: Int? = nil) {
      self.name = name
      self.suffix = suffix
      self.magic = magic
      self.arrowID = arrowID
    }

    func makeCoder(uid: String, options: JSONValue) throws(Failure) -> any BufferCoder {
      throw Failure(.software, "no coder is made here")
    }
  }

  private func detect(_ set: CodecSet, _ head: [UInt8], isWhole: Bool = false) -> CodecSet.Detection {
    head.withUnsafeBytes { set.detect($0, isWhole: isWhole) }
  }

  @Test func theShippedCodecsAreKnownByMagicAndSuffixWithoutAnyPlugin() {
    let set = CodecSet.none
    for known in KnownCodec.all {
      #expect(detect(set, known.magic) == .codec(known.name))
      #expect(detect(set, known.magic + [1, 2, 3]) == .codec(known.name))
      for count in 0..<known.magic.count {
        #expect(detect(set, Array(known.magic.prefix(count))) == .undecided)
        #expect(detect(set, Array(known.magic.prefix(count)), isWhole: true) == .plain)
      }
      #expect(set.name(forSuffixOf: "a/b.csv\(known.suffix)") == known.name)
      #expect(set.suffix(of: known.name) == known.suffix)
    }
    #expect(detect(set, Array("id,name".utf8)) == .plain)
    #expect(set.name(forSuffixOf: "a.csv") == nil)
    #expect(set.suffix(of: "snappy") == nil)
  }

  @Test func aPluginsCodecIsFoundByNameSuffixMagicAndArrowNumber() throws {
    let brotli = NamedCodec("brotli", suffix: ".br", magic: [0xCE, 0xB2], arrowID: 7)
    let set = CodecSet([NamedCodec("raw", suffix: nil, magic: []), brotli])
    #expect(try set.codec(named: "brotli", for: "x") === brotli)
    #expect(try set.codec(arrowID: 7, for: "x") === brotli)
    #expect(set.name(forSuffixOf: "x.br") == "brotli")
    #expect(set.suffix(of: "brotli") == ".br")
    #expect(set.suffix(of: "raw") == nil)
    #expect(detect(set, [0xCE]) == .undecided)
    #expect(detect(set, [0xCE, 0xB2]) == .codec("brotli"))
    #expect(detect(set, [0xCE, 0xB3]) == .plain)
  }

  @Test func aMissingCodecIsRefusedWithThePluginThatBringsIt() {
    #expect(
      throws: Failure(
        .usage,
        "source 'o' (csv): a.csv.gz: needs the codec 'gzip', which no plugin brings (they bring: none); build "
          + "Plugins/codecs and load it with --codec libcodecs.so")
    ) { try CodecSet.none.codec(named: "gzip", for: "source 'o' (csv): a.csv.gz") }
    let set = CodecSet([NamedCodec("brotli", suffix: ".br", magic: [])])
    #expect(
      throws: Failure(
        .usage,
        "place: needs the codec 'brotly', which no plugin brings (they bring: 'brotli'); load the plugin that does with "
          + "--codec; did you mean 'brotli'?")
    ) { try set.codec(named: "brotly", for: "place") }
  }

  @Test func anArrowNumberIsRefusedByTheNameThatItHasOrAsUnknown() {
    #expect(
      throws: Failure(
        .usage,
        "f.arrow: needs the codec 'zstd', which no plugin brings (they bring: none); build Plugins/codecs and load it "
          + "with --codec libcodecs.so")
    ) { try CodecSet.none.codec(arrowID: 1, for: "f.arrow") }
    #expect(
      throws: Failure(
        .data,
        "f.arrow: the buffers are compressed with the unknown codec number 9, expected 0 (lz4_frame) or 1 (zstd); write "
          + "them with one of these")
    ) { try CodecSet.none.codec(arrowID: 9, for: "f.arrow") }
  }
}
