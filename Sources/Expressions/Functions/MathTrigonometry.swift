import Base
import Glibc
import VolleyPlan

/// Angles are in radians.
extension FunctionTable {
  static var trigonometry: [FunctionDefinition] {
    [
      angle("sin", { sin($0) }, { sinf($0) }), angle("cos", { cos($0) }, { cosf($0) }),
      angle("tan", { tan($0) }, { tanf($0) }), angle("asin", { asin($0) }, { asinf($0) }),
      angle("acos", { acos($0) }, { acosf($0) }), angle("atan", { atan($0) }, { atanf($0) }),
      angle("degrees", { $0 * (180 / .pi) }, { Float(Double($0) * (180 / .pi)) }),
      angle("radians", { $0 * (.pi / 180) }, { Float(Double($0) * (.pi / 180)) }),
      FunctionDefinition("atan2", "atan2(y, x)", arity: 2...2) { call throws(Failure) in
        try call.real(cost: 20, { atan2($0, $1) }, { atan2f($0, $1) })
      },
    ]
  }

  private static func angle(
    _ name: String, _ double: @escaping @Sendable (Double) -> Double, _ float: @escaping @Sendable (Float) -> Float
  ) -> FunctionDefinition {
    FunctionDefinition(name, "\(name)(value)", arity: 1...1) { call throws(Failure) in
      try call.real(cost: 15, double, float)
    }
  }
}
