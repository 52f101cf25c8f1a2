import Base
import VolleyPlan

/// Which casts there are.
enum CastRules {
  /// Nil when values of `source` can be cast to `target`, else why not and what to do instead.
  static func objection(from source: DataType, to target: DataType) -> String? {
    if source.isTemporal || target.isTemporal { return TemporalCasts.objection(from: source, to: target) }
    return nil
  }
}
