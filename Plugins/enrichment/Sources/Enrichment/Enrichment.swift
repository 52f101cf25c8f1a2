import Volley

/// Orders with the tax of their country, written as receipts; orders from elsewhere are set aside.
struct Enrichment: Pipeline {
  static let name = "enrichment"
  static let summary: String? = "adds tax to orders and writes receipts"

  @Parameter("JSON-lines files with order, country and net, a path or a pattern") var input = "data/orders.jsonl"
  @Parameter("The file of receipts") var receipts = "receipts.txt"
  @Parameter("The file of orders from countries without a rate, JSON lines") var others = "others.jsonl"

  struct Order: Codable {
    var order: Int
    var country: String
    var net: Double
  }

  func build(_ env: StreamExecutionEnvironment) {
    let rate = udf("rate") { (country: String) -> Double? in Rates.byCountry[country] }
    let tax = udf("tax") { (net: Double, rate: Double) -> Double in (net * rate * 100).rounded() / 100 }

    let orders = env.fromSource(.jsonLines(input, schema: Schema(Order.self)), uid: "orders")
      .withColumn("rate", rate(col("country")))
    orders.filter(col("rate").isNull)
      .select("order", "country", "net")
      .toSink(.jsonLines(others), uid: "others", parallelism: 1)
    let path = receipts
    orders.filter(col("rate").isNotNull)
      .withColumn("tax", tax(col("net"), col("rate")))
      .withColumn("gross", col("net") + col("tax"))
      .toSink(.custom { _ in ReceiptWriter(path: path) }, uid: "receipts", parallelism: 1)
  }
}

/// Value-added tax, standard rates of 2024.
enum Rates {
  static let byCountry: [String: Double] = ["AT": 0.20, "DE": 0.19, "FR": 0.20, "IT": 0.22, "PL": 0.23]
}

@c(volley_plugin_root)
public func root() -> UnsafePointer<volley_plugin> { export(Enrichment.self, connectors: [Receipts.self]) }
