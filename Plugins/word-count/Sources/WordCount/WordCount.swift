import Volley

/// How often each word stands in text files. Words are told apart without regard to upper and lower case.
struct WordCount: Pipeline {
  static let name = "word-count"
  static let summary: String? = "counts the words of text files"

  @Parameter("The files to read, a path or a pattern") var input = "data/*.txt"
  @Parameter("Where the counts go: '-' for the console, else the path of a CSV file") var output = "-"
  @Parameter("Shorter words do not count") var shortest = 1

  struct Line: Codable {
    var line: String
  }

  struct Word: Codable {
    var word: String
  }

  func build(_ env: StreamExecutionEnvironment) {
    let shortest = self.shortest
    env.fromSource(.lines(input), uid: "lines")
      .flatMap { (line: Line) in Self.words(of: line.line, atLeast: shortest) }
      .keyBy("word")
      .aggregate(count().as("count"), uid: "counts")
      .toSink(output == "-" ? .console : .csv(output), uid: "out", parallelism: 1)
  }

  /// Runs of letters, digits and apostrophes within.
  static func words(of line: String, atLeast shortest: Int) -> [Word] {
    line.lowercased()
      .split { !($0.isLetter || $0.isNumber || $0 == "'") }
      .map { word in String(word.drop { $0 == "'" }.reversed().drop { $0 == "'" }.reversed()) }
      .filter { !$0.isEmpty && $0.count >= shortest }
      .map { Word(word: $0) }
  }
}

@c(volley_plugin_root)
public func root() -> UnsafePointer<volley_plugin> { export(WordCount.self) }
