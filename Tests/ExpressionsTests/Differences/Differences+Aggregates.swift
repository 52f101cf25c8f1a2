import Arrow
import VolleyPlan

extension DifferenceTests {
  private static let cents = DataType.decimal128(precision: 5, scale: 2)

  static let aggregates: [Case] = [
    Case(
      name: "avg of decimal128 0.01 and 0.02", aggregate: "avg",
      of: Column.of(cents, [.integer(1, cents), .integer(2, cents)]), python: "pc.mean(a)"),
    Case(
      name: "max of NaN and 1, beside DuckDB", aggregate: "max",
      of: Column.of(.float64, [.float64(.nan), .float64(1)]), python: "sql('max(a) over ()', a)"),
    Case(
      name: "first of null and 1", aggregate: "first", of: Column.of(.int64, [nil, .int64(1)]), python: "pc.first(a)"),
    Case(
      name: "last of 1 and null", aggregate: "last", of: Column.of(.int64, [.int64(1), nil]), python: "pc.last(a)"),
    Case(
      name: "var_pop of 1e308 and -1e308", aggregate: "var_pop",
      of: Column.of(.float64, [.float64(1e308), .float64(-1e308)]), python: "pc.variance(a)"),
    Case(
      name: "sum of int64 that overflows", aggregate: "sum", of: Column.of(.int64, [.int64(.max), .int64(1)]),
      python: "pc.sum(a)"),
    Case(
      name: "avg of durations", aggregate: "avg",
      of: Column.of(.duration(.second), [.integer(1, .duration(.second)), .integer(2, .duration(.second))]),
      python: "pc.mean(a)"),
    Case(
      name: "sum of durations", aggregate: "sum",
      of: Column.of(.duration(.second), [.integer(1, .duration(.second)), .integer(2, .duration(.second))]),
      python: "pc.sum(a)"),
    Case(
      name: "count_distinct of 0.0 and -0.0", aggregate: "count_distinct",
      of: Column.of(.float64, [.float64(0), .float64(-0.0)]), python: "pc.count_distinct(a)"),
    Case(
      name: "sum of bool", aggregate: "sum", of: Column.of(.bool, [.bool(true)]), python: "pc.sum(a)"),
  ]
}
