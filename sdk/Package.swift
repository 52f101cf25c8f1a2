// swift-tools-version: 6.0
import PackageDescription

#if compiler(>=6.4)
  let swiftVersion = "6.4 or later"
#elseif compiler(>=6.3)
  let swiftVersion = "6.3"
#elseif compiler(>=6.2)
  let swiftVersion = "6.2"
#elseif compiler(>=6.1)
  let swiftVersion = "6.1"
#else
  let swiftVersion = "6.0"
#endif

/// The version of the SDK; the host prints it from a plugin's note.
let sdkVersion = "0.1.0"

let package = Package(
  name: "volley-sdk",
  products: [
    .library(name: "CVolley", targets: ["CVolley"]),
    .library(name: "VolleyPlan", targets: ["VolleyPlan"]),
    .library(name: "Volley", targets: ["Volley"]),
    .library(name: "VolleyTesting", targets: ["VolleyTesting"]),
  ],
  targets: [
    .target(
      name: "CVolley",
      cSettings: [
        .define("VOLLEY_SDK_VERSION", to: "\"\(sdkVersion)\""),
        .define("VOLLEY_SWIFT_VERSION", to: "\"\(swiftVersion)\""),
      ]),
    .target(name: "VolleyPlan"),
    .target(name: "Volley", dependencies: ["CVolley", "VolleyPlan"]),
    .target(name: "VolleyTesting", dependencies: ["Volley", "VolleyPlan"]),
  ]
)
