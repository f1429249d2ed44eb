#include "request/payment.hpp"

#include <doctest/doctest.h>

#include "bitcoin/address.hpp"
#include "request_samples.hpp"

using bitcoin::Sat;
using request::Request;
using request::test::destination;
using request::test::error_of;
using request::test::parse_text;
using util::str;

namespace {

const std::string taproot = *bitcoin::segwit_address(*util::from_hex("5120" + std::string(64, '3')), "regtest");
const std::string key_hash = *bitcoin::segwit_address(*util::from_hex("0014" + std::string(40, '4')), "regtest");
constexpr auto p2pkh = "mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn";
constexpr auto p2sh = "2MzQwSSnBHWHqSAqtTVQ6v47XtaisrJa1Vc";

/// {"address": ..., <members>}
std::string output(const std::string& address, const std::string& members = R"("amount":100000)") {
  return str(R"({"address":")", address, R"(",)", members, "}");
}

/// One channel with this amount, and these outputs.
util::Result<Request> parse_outputs(const std::string& outputs, const std::string& amount = "1000000") {
  return parse_text(
      str(R"({"destinations":[)", destination(R"("amount":)" + amount), R"(],"outputs":[)", outputs, "]}"));
}

std::string refusal_of(const std::string& outputs, const std::string& amount = "1000000") {
  return error_of(parse_outputs(outputs, amount));
}

bool says(const std::string& text, const std::string& what) { return text.find(what) != std::string::npos; }

}  // namespace

TEST_CASE("payments to every kind of address, with amounts, shares and labels") {
  const auto parsed =
      parse_outputs(output(taproot, R"("amount":"0.01btc","label":"invoice 7")") + "," + output(p2pkh) + "," +
                    output(p2sh, R"("amount":"40%")") + "," + output(key_hash, R"("amount":"*2")"));
  REQUIRE_MESSAGE(parsed, parsed.error().message);
  const auto& payments = parsed->payments;
  REQUIRE(payments.size() == 4);
  CHECK(payments[0].amount == Sat{1'000'000});
  CHECK(payments[0].label == "invoice 7");
  CHECK(payments[0].address == taproot);
  CHECK(util::to_hex(payments[0].script) == "5120" + std::string(64, '3'));
  CHECK(payments[1].label == "");
  CHECK(util::to_hex(payments[1].script) == "76a914243f1394f44554f4ce3fd68649c19adc483ce92488ac");
  CHECK(payments[2].share->text == "40%");
  CHECK(payments[2].amount == Sat{0});
  CHECK(payments[3].share->weight == 2);
  CHECK(payments[3].index == 3);
  CHECK(parsed->has_shares());
  CHECK_FALSE(parse_outputs(output(taproot))->has_shares());
  CHECK(parse_text(str(R"({"destinations":[)", destination(R"("amount":1000000)"), "]}"))->payments.empty());
}

TEST_CASE("what is no address of this network is refused by its name") {
  const auto wrong = [](const std::string& address, const std::string& what) {
    const auto text = refusal_of(output(taproot) + "," + output(address));
    CHECK_MESSAGE(text.starts_with("-32602: outputs[1].address: "), text);
    CHECK_MESSAGE(says(text, what), text);
    CHECK_MESSAGE(says(text, "got \"" + address.substr(0, 60)), text);
  };
  wrong("", "must be an address");
  wrong("me", "is not an address");
  wrong("bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt08p", "wrong checksum");
  wrong("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "is not an address of this network, regtest");
  wrong("tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7", "is not an address of this network");
  wrong("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "is not an address of this network");
  wrong("bitcoin:" + taproot, "the address alone, without bitcoin:");
  wrong("lnbcrt1p5abc", "a lightning invoice or offer");
  wrong("lno1qgsq", "a lightning invoice or offer");
  wrong(request::test::node('1') + "@127.0.0.1:9735", "is a node, not an address");
  CHECK(says(refusal_of(R"({"address":7,"amount":1000})"), "outputs[0].address: must be an address"));
  CHECK(says(refusal_of(R"({"amount":1000})"), "outputs[0]: missing required parameter: address"));
  CHECK(says(refusal_of(R"({"id":"x","amount":1000})"), "outputs[0]"));
}

TEST_CASE("the least that a payment may be depends on its address") {
  const auto dust = [](const std::string& address, int least) {
    CHECK(refusal_of(output(address, str(R"("amount":)", least))) == "");
    const auto text = refusal_of(output(address, str(R"("amount":)", least - 1)));
    CHECK_MESSAGE(says(text, str("outputs[0].amount: output would be dust (less than ", least, "sat)")), text);
  };
  dust(p2pkh, 546);
  dust(p2sh, 540);
  dust(key_hash, 294);
  dust(taproot, 330);
  CHECK(says(refusal_of(output(taproot, R"("amount":0)")), "dust"));
  CHECK(says(refusal_of(output(taproot, R"("amount":"some")")), "are shares of what is left"));
  CHECK(says(refusal_of(output(taproot, R"("amount":-5)")), "outputs[0].amount: "));
}

TEST_CASE("payments and destinations share what is left by the same rules") {
  CHECK(refusal_of(output(taproot, R"("amount":"all")")) == "");
  CHECK(refusal_of(output(taproot, R"("amount":"60%")"), R"("40%")") == "");
  CHECK(says(refusal_of(output(taproot, R"("amount":"all")"), R"("all")"),
             "outputs[0]: only one destination can indicate"));
  CHECK(says(refusal_of(output(taproot, R"("amount":"all")") + "," + output(p2pkh, R"("amount":"all")")),
             "outputs[1]: only one destination can indicate"));
  CHECK(
      says(refusal_of(output(taproot, R"("amount":"*2")"), R"("all")"), "outputs[0].amount: \"all\" and other shares"));
  CHECK(says(refusal_of(output(taproot, R"("amount":"70%")"), R"("40%")"),
             "outputs[0].amount: the percentages up to here"));
  CHECK(says(refusal_of(output(taproot, R"("amount":"*1")"), R"("100%")"), "outputs[0].amount: 100% leave nothing"));
}

TEST_CASE("payments that contradict each other, or are too many, are refused") {
  CHECK(says(refusal_of(output(taproot) + "," + output(p2pkh) + "," + output(taproot)),
             "outputs[2]: this address came before"));
  std::string shouted = taproot;
  for (auto& letter : shouted) letter = static_cast<char>(std::toupper(letter));
  CHECK(says(refusal_of(output(taproot) + "," + output(shouted)), "outputs[1]: this address came before"));
  CHECK(says(refusal_of(output(taproot, R"("amount":"21000000btc")")),
             "outputs[0]: the amounts up to here are more than"));
  CHECK(
      says(refusal_of(output(taproot, R"("amount":"21000001btc")")), "outputs[0].amount: is more than 21 million btc"));
  CHECK(says(refusal_of(""), "outputs: must have at least one entry"));
  CHECK(says(
      error_of(parse_text(str(R"({"destinations":[)", destination(R"("amount":1000000)"), R"(],"outputs":{"a":1}})"))),
      "outputs: must be an array"));
  CHECK(says(refusal_of(output(taproot, R"("amount":1000,"push_msat":1)")), "push_msat"));
  std::string many;
  for (int i = 0; i < 2'400; ++i) {
    util::Bytes script = *util::from_hex("5120" + std::string(64, '3'));
    script[5] = static_cast<std::uint8_t>(i % 256);
    script[6] = static_cast<std::uint8_t>(i / 256);
    many += (i > 0 ? "," : "") + output(*bitcoin::segwit_address(script, "regtest"));
  }
  CHECK(says(refusal_of(many), "outputs[2324]: the outputs up to here weigh more than 400000"));
}

TEST_CASE("a label is a short clean text") {
  const auto label = [](const std::string& text) {
    return refusal_of(output(taproot, R"("amount":1000,"label":)" + text));
  };
  CHECK(label(R"("für Anna, 7/2026")") == "");
  CHECK(label("7") == "");
  CHECK(label('"' + std::string(100, 'x') + '"') == "");
  for (const auto* bad : {R"("")", "[]", R"("a\nb")", R"("a\tb")", R"("\u001b[2J")", R"("\u202e")", R"("\u0000")"}) {
    CHECK_MESSAGE(says(label(bad), "outputs[0].label: must be a text of 1 to 100 characters"), label(bad));
  }
  CHECK(says(label('"' + std::string(101, 'x') + '"'), "outputs[0].label: must be a text of 1 to 100 characters"));
}

TEST_CASE("change to keep is an amount that can be an output") {
  const auto keep = [](const std::string& amount) {
    return parse_text(
        str(R"({"destinations":[)", destination(R"("amount":1000000)"), R"(],"keep_change":)", amount, "}"));
  };
  CHECK(keep("330")->keep_change == Sat{330});
  CHECK(keep(R"("0.001btc")")->keep_change == Sat{100'000});
  CHECK(says(error_of(keep("329")), "-32602: keep_change: output would be dust (less than 330sat)"));
  CHECK(says(error_of(keep("0")), "-32602: keep_change: output would be dust"));
  CHECK(says(error_of(keep(R"("50%")")), "-32602: keep_change: should be a satoshi amount"));
}
