// swift-tools-version: 6.0
import PackageDescription

// The version of the plugin that is built: 1, 2 or 3.
let version = Context.environment["COUNTER_VERSION"] ?? "1"

let package = Package(
  name: "counter",
  products: [.library(name: "counter", type: .dynamic, targets: ["Counter"])],
  dependencies: [.package(name: "volley-sdk", path: "../../../../sdk")],
  targets: [
    .target(
      name: "Counter",
      dependencies: [.product(name: "Volley", package: "volley-sdk")],
      swiftSettings: [.define("VERSION_\(version)")],
      linkerSettings: [.unsafeFlags(["-Xlinker", "--version-script=\(Context.packageDirectory)/exports.map"])])
  ]
)
