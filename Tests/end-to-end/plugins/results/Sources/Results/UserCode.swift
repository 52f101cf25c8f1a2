import Volley

/// Closures over values and over rows.
struct UserCode: Pipeline {
  static let name = "user-code"

  @Parameter var input: String
  @Parameter var format: String
  @Parameter var functions: String
  @Parameter var mapped: String
  @Parameter var words: String
  @Parameter var even: String
  @Parameter var odd: String

  struct Line: Codable {
    var id: Int
    var i64: Int?
    var s: String?
    var t: Timestamp?
  }

  struct Measured: Codable {
    var id: Int
    var scalars: Int?
    var bytes: Int?
    var twice: Int?
    var next: Timestamp?
  }

  struct Word: Codable {
    var id: Int
    var place: Int32
    var word: String
  }

  func build(_ env: StreamExecutionEnvironment) {
    let rows = env.fromSource(files(format, input), uid: "rows")

    let blend = udf("blend") { (f: Double, g: Double) -> Double in f * g + 1 }
    let label = udf("label") { (s: String?, id: Int) -> String? in s.map { "\($0)#\(id)" } }
    let isOdd = udf("isOdd") { (n: Int) -> Bool in n % 2 != 0 }
    let choose = udf("choose") { (b: Bool?, s: String?, k: String?) -> String? in b == true ? s : k }
    rows.select(
      "id", blend(col("f"), col("g")).as("blended"), label(col("s"), col("id")).as("label"),
      isOdd(col("i64") + 1).as("odd"), choose(col("b"), col("s"), col("k")).as("chosen")
    )
    .toSink(.jsonLines(functions), uid: "functions")

    rows.map { (line: Line) in
      Measured(
        id: line.id, scalars: line.s?.unicodeScalars.count, bytes: line.s?.utf8.count, twice: line.i64.map { $0 * 2 },
        next: line.t.map { Timestamp(microseconds: $0.microseconds + 1) })
    }
    .toSink(.jsonLines(mapped), uid: "mapped")

    rows.flatMap { (line: Line) in
      (line.s ?? "").unicodeScalars.split(separator: " ").enumerated().map { place, word in
        Word(id: line.id, place: Int32(place), word: String(word))
      }
    }
    .toSink(.jsonLines(words), uid: "words")

    let halves = rows.batchFunction("halves", outputs: [columns, columns]) { Halves() }
    halves[0].toSink(.jsonLines(even), uid: "even")
    halves[1].select("id", "s").toSink(.jsonLines(odd), uid: "odd")
  }
}

/// Rows with an even id to output 0 as they come, the others to output 1 when the input has ended.
final class Halves: BatchFunction {
  struct Row: Codable {
    var id: Int
    var k: String?
    var i32: Int32?
    var i64: Int?
    var f: Double?
    var g: Double?
    var s: String?
    var b: Bool?
    var t: Timestamp?
  }

  private var held: [Row] = []

  func process(_ batch: Batch, to output: Output) throws {
    let builder = output.builder(0)
    for row in try batch.rows(as: Row.self) {
      if row.id % 2 == 0 { try builder.append(row) } else { held.append(row) }
    }
    try output.emit(builder, output: 0)
  }

  func flush(to output: Output) throws {
    let builder = output.builder(1)
    for row in held { try builder.append(row) }
    try output.emit(builder, output: 1)
  }
}
