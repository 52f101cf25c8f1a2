import Volley

/// The input as it is, to CSV and to JSON lines.
struct Copies: Pipeline {
  static let name = "copies"

  @Parameter var input: String
  @Parameter var format: String
  @Parameter var csv: String
  @Parameter var json: String

  func build(_ env: StreamExecutionEnvironment) {
    env.fromSource(files(format, input), uid: "rows")
      .tee { $0.toSink(.csv(csv), uid: "csv", parallelism: 1) }
      .toSink(.jsonLines(json), uid: "json")
  }
}
