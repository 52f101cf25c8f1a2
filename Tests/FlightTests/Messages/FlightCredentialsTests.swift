import Testing

@testable import Flight

@Suite("Credentials of Flight")
struct FlightCredentialsTests {
  @Test("Names, passwords and tokens are read as they are written")
  func roundTrip() {
    // The first is the example of RFC 7617.
    let table: [(FlightCredentials, String)] = [
      (.basic(user: "Aladdin", password: "open sesame"), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
      (.basic(user: "", password: ""), "Basic Og=="), (.basic(user: "ü", password: "a:b"), "Basic w7w6YTpi"),
      (.bearer("abc.def=="), "Bearer abc.def=="),
    ]
    for (credentials, text) in table {
      #expect(credentials.authorization == text)
      #expect(FlightCredentials(authorization: text) == credentials)
    }
    #expect(FlightCredentials(authorization: "bEARER  x") == .bearer("x"))
    #expect(FlightCredentials(authorization: "basic Og") == .basic(user: "", password: ""))
  }

  @Test("What is none, is none")
  func refusals() {
    for text in ["", "Basic", "Basic ", "Basic !", "Basic YQ==", "Basic /zo=", "Bearer", "Bearer ", "Digest x", "x"] {
      #expect(FlightCredentials(authorization: text) == nil, "\(text)")
    }
  }

  @Test("A description tells no secret")
  func secrets() {
    #expect("\(FlightCredentials.basic(user: "u", password: "secret"))" == "the user 'u' and a password")
    #expect(!"\(FlightCredentials.bearer("secret"))".contains("secret"))
  }
}
