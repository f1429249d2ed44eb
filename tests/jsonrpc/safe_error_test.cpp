#include "jsonrpc/safe_error.hpp"

#include <doctest/doctest.h>

#include <string>

#include "jsonrpc/message.hpp"
#include "util/bytes.hpp"

namespace {

const std::string txid(64, '1');
const std::string psbt = "cHNidP8BAgQ" + std::string(300, 'Q') + "/+w==";

/// An error as lightningd writes it, made safe.
util::Error told(const std::string& message_json, const std::string& data_json) {
  const auto message = jsonrpc::Message::parse(R"({"jsonrpc":"2.0","id":1,"error":{"code":-1,"message":")" +
                                               message_json + R"(","data":)" + data_json + "}}");
  REQUIRE(message.ok());
  REQUIRE_FALSE(message->result().ok());
  return jsonrpc::safe_error(message->result().error());
}

}  // namespace

TEST_CASE("no error of lightningd repeats a PSBT, whatever its wording") {
  const std::string escaped = "cHNidP8BAgQ" + std::string(300, 'Q') + R"(\/+w==)";
  for (const auto& text : {psbt, escaped, "\\\\/" + escaped}) {
    for (const std::string before : {"PSBT not finalizeable ", "psbt: Expected a PSBT: invalid token '", "x:"}) {
      CAPTURE(before);
      const auto error = told(before + text + "'", R"({"psbt":")" + text + R"(","deep":[{")" + text + R"(":1}]})");
      CHECK(error.message.starts_with(before + "("));
      CHECK(error.message.find("QQ") == std::string::npos);
      CHECK(error.data.find("QQ") == std::string::npos);
      CHECK(error.data.find("characters cut)") != std::string::npos);
    }
  }
  const auto number = told("no", std::string(200, '7'));
  CHECK(number.data == "\"(200 characters cut)\"");
}

TEST_CASE("what users and programs need of an error stays as it is") {
  const std::string id = "02" + std::string(64, 'a');
  const auto error = told("UTXO " + txid + ":1 of " + id + " is not reserved\\nand so on",
                          R"({"id":")" + id + R"(","method":"connect","list":[1,-2,1.5,true,null,")" + txid + "\"]}");
  CHECK(error.message == "UTXO " + txid + ":1 of " + id + " is not reserved\nand so on");
  CHECK(error.data == R"({"id":")" + id + R"(","method":"connect","list":[1,-2,1.5,true,null,")" + txid + "\"]}");
}

TEST_CASE("errors are bounded, and nothing in them moves the cursor") {
  const auto error =
      told(R"(They sent \u001b[2J\u009b\u202e)" + std::string(64'000, '!'), "[\"" + std::string(64'000, '?') + "\"]");
  CHECK(
      error.message.starts_with("They sent ?[2J?"
                                "?!!!"));
  CHECK(error.message.size() < 2100);
  CHECK(error.data.size() < 2100);
  std::string many = "[0";
  for (int i = 0; i < 9000; ++i) many += ",1";
  CHECK(told("no", many + "]").data == "\"(18003 bytes cut)\"");
}

TEST_CASE("what a peer wrote in its own language is shown, though lightningd shows it as hex") {
  const auto hex = [](const std::string& text) { return util::to_hex(util::Bytes(text.begin(), text.end())); };
  const std::string channel = " channel " + txid + ": ";
  for (const auto& before : {"They sent ERROR" + channel, std::string("They sent ERROR: "), "ERROR" + channel,
                             "They sent WARNING" + channel, std::string("They sent error: "), "warning" + channel}) {
    CAPTURE(before);
    const auto sent = [&](const std::string& words) { return told(before + hex(words), "{}").message; };
    CHECK(sent("zu klein: größer als 2.000.000 sat, bitte") == before + "zu klein: größer als 2.000.000 sat, bitte");
    CHECK(sent("ü") == before + "ü");
    CHECK(sent(std::string("two lines\nand NUL\0", 18)) == before + "two lines and NUL");
    CHECK(sent("cleared \x1b[2J, and red \x1b[31m") == before + "cleared ?[2J, and red ?[31m");
    CHECK(sent("not UTF-8: \xff") == before + hex("not UTF-8: \xff"));
    CHECK(sent("not UTF-8, whatever \xff it is, and of one hundred digits at least") ==
          before + "(126 characters cut)");
    CHECK(sent("a PSBT, größer: " + psbt) == before + "a PSBT, größer: (316 characters cut)");
  }
}

TEST_CASE("hex that is not a peer's words stays what it is") {
  const std::string words = "c3bc" + std::string(76, '6');  // "ü" and "f"s
  for (const auto& text : {words, "Unacceptable upfront_shutdown_script " + words, "id " + words,
                           "They sent ERROR channel " + txid + ": " + words + " and more", "ERROR " + words,
                           "They sent ERROR channel " + words + ": deadbeef", "They sent ERROR channel x: " + words,
                           "They sent ERROR: " + std::string(64, '6'), "They sent ERROR: 20" + std::string(62, '1')}) {
    CAPTURE(text);
    CHECK(told(text, "{}").message == text);
  }
}
