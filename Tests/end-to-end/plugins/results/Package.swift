// swift-tools-version: 6.0
import PackageDescription

let package = Package(
  name: "results",
  products: [.library(name: "results", type: .dynamic, targets: ["Results"])],
  dependencies: [.package(name: "volley-sdk", path: "../../../../sdk")],
  targets: [
    .target(
      name: "Results",
      dependencies: [.product(name: "Volley", package: "volley-sdk")],
      linkerSettings: [.unsafeFlags(["-Xlinker", "--version-script=\(Context.packageDirectory)/exports.map"])])
  ]
)
