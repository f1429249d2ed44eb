#include "given/witness_form.hpp"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include "bitcoin/byte_writer.hpp"
#include "bitcoin/ripemd160.hpp"
#include "given/signed_psbt.hpp"
#include "psbt/psbt.hpp"
#include "util/bytes.hpp"

using psbt::Psbt;
using util::Bytes;

namespace {

using Stack = std::vector<Bytes>;
using Entries = std::vector<std::pair<Bytes, Bytes>>;

Psbt psbt_with(const Entries& entries) {
  Psbt bare = Psbt::spending({bitcoin::Outpoint{*bitcoin::Txid::from_hex(std::string(64, '9')), 1}});
  bare.insert_output(0, {bitcoin::Sat{5000}, Bytes{0x51}});
  bitcoin::ByteWriter map;
  for (const auto& [key, value] : entries) map.sized_bytes(key).sized_bytes(value);
  auto bytes = bare.serialise(0);
  const Bytes extra = map.take();
  bytes.insert(bytes.end() - 2, extra.begin(), extra.end());
  const auto psbt = Psbt::parse(bytes);
  REQUIRE_MESSAGE(psbt, psbt.error().message);
  return *psbt;
}

Bytes witness(const Stack& stack) {
  bitcoin::ByteWriter out;
  out.compact_size(stack.size());
  for (const auto& item : stack) out.sized_bytes(item);
  return out.take();
}

std::string judge(const Entries& entries, const Bytes& script) {
  const auto formed = given::check_witness(psbt_with(entries), 0, script);
  return formed ? "" : formed.error().message;
}

std::string judge(const Stack& stack, const Bytes& script) { return judge(Entries{{{0x08}, witness(stack)}}, script); }

Bytes program(std::uint8_t version, const auto& hash) {
  Bytes script{version, static_cast<std::uint8_t>(hash.size())};
  script.insert(script.end(), hash.begin(), hash.end());
  return script;
}

/// Two numbers of 32 bytes, the second of which begins with `high`.
Bytes signature(std::uint8_t type = 1, std::uint8_t high = 0x11) {
  Bytes bytes{0x30, 0x44, 0x02, 0x20};
  bytes.resize(4 + 32, 0x11);
  bytes.insert(bytes.end(), {0x02, 0x20, high});
  bytes.resize(4 + 32 + 2 + 32, 0x11);
  bytes.push_back(type);
  return bytes;
}

Bytes with(Bytes bytes, std::size_t at, std::uint8_t value) {
  bytes[at] = value;
  return bytes;
}

Bytes key(std::uint8_t last) { return with(Bytes(33, 0x02), 32, last); }

Bytes multisig() {
  Bytes script{0x52};
  for (const std::uint8_t i : {1, 2, 3}) {
    script.push_back(33);
    const auto one = key(i);
    script.insert(script.end(), one.begin(), one.end());
  }
  script.insert(script.end(), {0x53, 0xae});
  return script;
}

Bytes sized(std::size_t size, std::uint8_t last) { return with(Bytes(size, 0x07), size - 1, last); }

Bytes partial(const Bytes& public_key) {
  Bytes bytes{0x02};
  bytes.insert(bytes.end(), public_key.begin(), public_key.end());
  return bytes;
}

}  // namespace

TEST_CASE("a coin of one key wants its signature and that key") {
  const auto script = program(0, bitcoin::hash160(key(1)));
  CHECK(judge(Stack{signature(), key(1)}, script).empty());
  CHECK(judge(Stack{}, script) == "its witness is empty, or damaged");
  CHECK(judge(Entries{{{0x08}, {2, 1, 1}}}, script) == "its witness is empty, or damaged");
  CHECK(judge(Stack{signature()}, script) == "its witness has 1 items, not a signature and a key");
  CHECK(judge(Stack{signature(), key(2)}, script) == "its key is not the one that the coin is for");
  CHECK(judge(Stack{signature(), Bytes(65, 4)}, script) == "its key has 65 bytes, not 33");
  CHECK(judge(Stack{signature(0x83), key(1)}, script) == "its signature is of sighash type 131, not ALL (1)");
  CHECK(judge(Stack{signature(0), key(1)}, script) == "its signature is of sighash type 0, not ALL (1)");
  CHECK(judge(Entries{{{0x07}, {1, 0x51}}, {{0x08}, witness({signature(), key(1)})}}, script) ==
        "it has a scriptSig, which its coin does not take");
  // Not put together yet.
  CHECK(judge(Entries{{partial(key(1)), signature()}}, script).empty());
  CHECK(judge(Entries{{partial(key(2)), signature()}}, script) == "its key is not the one that the coin is for");
  CHECK(judge(Entries{{partial(key(1)), signature()}, {partial(key(2)), signature()}}, script) ==
        "it has 2 signatures, and its coin is for one key");
}

TEST_CASE("a signature is two numbers in DER, the second of them low") {
  const auto script = program(0, bitcoin::hash160(key(1)));
  const std::string none = "its signature is none that bitcoind relays (DER, with the low number)";
  CHECK(judge(Stack{signature(1, 0x7e), key(1)}, script).empty());
  for (const auto& wrong : {Bytes{}, Bytes{0x30, 1}, with(signature(), 0, 0x31), with(signature(), 1, 0x45),
                            with(signature(), 2, 0x03), with(signature(), 3, 0x21), with(signature(), 4, 0x80),
                            with(signature(), 4, 0x00), signature(1, 0x80), signature(1, 0x7f + 0), Bytes(73, 0x30)}) {
    CAPTURE(util::to_hex(wrong));
    const bool low = wrong == signature(1, 0x7f);  // 7f11.. is below 7fff..
    CHECK(judge(Stack{wrong, key(1)}, script) == (low ? "" : none));
  }
  auto high = signature(1, 0x7f);
  for (std::size_t i = 39; i < 70; ++i) high[i] = 0xff;
  CHECK(judge(Stack{high, key(1)}, script) == none);
}

TEST_CASE("a coin of a script wants that script at last, and of a multisig all signatures") {
  const auto script = program(0, util::sha256(multisig().data(), multisig().size()));
  CHECK(judge(Stack{{}, signature(), signature(), multisig()}, script).empty());
  CHECK(judge(Stack{{}, signature(), signature(), with(multisig(), 3, 9)}, script) ==
        "its witness does not end with the script that the coin is for");
  CHECK(judge(Stack{{}, signature(), multisig()}, script) == "its witness has 1 signatures, and its script asks for 2");
  CHECK(judge(Stack{{}, signature(), signature(2), multisig()}, script) ==
        "its signature is of sighash type 2, not ALL (1)");
  CHECK(judge(Stack{{}, signature(), Bytes(81, 1), multisig()}, script) ==
        "an item of its witness has more than 80 bytes");
  // Not put together yet.
  const std::pair<Bytes, Bytes> known{{0x05}, multisig()};
  CHECK(judge(Entries{known, {partial(key(1)), signature()}, {partial(key(3)), signature()}}, script).empty());
  CHECK(judge(Entries{known, {partial(key(1)), signature()}, {partial(key(4)), signature()}}, script) ==
        "it has 1 signatures, and its script asks for 2");
  CHECK(judge(Entries{known, {partial(key(1)), signature(3)}, {partial(key(3)), signature()}}, script) ==
        "its signature is of sighash type 3, not ALL (1)");
  CHECK(judge(Entries{{partial(key(1)), signature()}}, script) == "its witness script is missing");
  CHECK(judge(Entries{{{0x05}, {0x51}}, {partial(key(1)), signature()}}, script) ==
        "its witness script is not the one that the coin is for");
}

TEST_CASE("another script's signatures are for the whole transaction, too") {
  const Bytes other{0xac};
  const auto script = program(0, util::sha256(other.data(), other.size()));
  CHECK(judge(Stack{signature(), other}, script).empty());
  CHECK(judge(Stack{Bytes(32, 1), signature(), other}, script).empty());
  CHECK(judge(Stack{signature(0x81), other}, script) == "its signature is of sighash type 129, not ALL (1)");
}

TEST_CASE("a taproot coin wants one signature, or a leaf and its place") {
  const auto script = program(0x51, Bytes(32, 5));
  const auto control = [](std::size_t size, std::uint8_t first) { return with(Bytes(size, 1), 0, first); };
  CHECK(judge(Stack{Bytes(64, 7)}, script).empty());
  CHECK(judge(Stack{sized(65, 1)}, script).empty());
  CHECK(judge(Stack{sized(65, 0)}, script) == "its signature is of sighash type 0, not ALL (1) or the default");
  CHECK(judge(Stack{sized(65, 0x83)}, script) == "its signature is of sighash type 131, not ALL (1) or the default");
  CHECK(judge(Stack{Bytes(63, 7)}, script) == "its signature has 63 bytes: taproot's have 64 or 65");
  CHECK(judge(Stack{Bytes(64, 7), {0xac}, control(33, 0xc0)}, script).empty());
  CHECK(judge(Stack{Bytes(64, 7), {0xac}, control(97, 0xc1)}, script).empty());
  CHECK(judge(Stack{Bytes(64, 7), {0xac}, control(34, 0xc0)}, script) ==
        "its control block has 34 bytes, not 33 and a multiple of 32");
  CHECK(judge(Stack{Bytes(64, 7), {0xac}, control(33, 0xc2)}, script) ==
        "its leaf is of a version that bitcoind does not relay");
  CHECK(judge(Stack{sized(65, 2), {0xac}, control(33, 0xc0)}, script) ==
        "its signature is of sighash type 2, not ALL (1) or the default");
  CHECK(judge(Stack{Bytes(81, 7), {0xac}, control(33, 0xc0)}, script) ==
        "an item of its witness has more than 80 bytes");
  CHECK(judge(Stack{Bytes(64, 7), {0x50}}, script) == "its witness has an annex, which bitcoind does not relay");
  CHECK(judge(Entries{{{0x13}, Bytes(64, 7)}}, script).empty());
  CHECK(judge(Entries{{{0x13}, sized(65, 3)}}, script) ==
        "its signature is of sighash type 3, not ALL (1) or the default");
}

TEST_CASE("what weighs too much once it is signed is refused, with its weight") {
  const auto script = program(0x51, Bytes(32, 5));
  const std::vector<std::optional<bitcoin::TxOutput>> spent{bitcoin::TxOutput{bitcoin::Sat{6000}, script}};
  const Bytes control = with(Bytes(33, 1), 0, 0xc0);
  CHECK(given::check_witnesses(psbt_with({{{0x08}, witness({Bytes(64, 7), Bytes(300'000, 0xac), control})}}), spent));
  const auto heavy =
      given::check_witnesses(psbt_with({{{0x08}, witness({Bytes(64, 7), Bytes(400'000, 0xac), control})}}), spent);
  REQUIRE_FALSE(heavy);
  CHECK(heavy.error().message.starts_with("psbt: weighs 400"));
  CHECK(heavy.error().message.ends_with("and bitcoind relays no transaction above 400000"));
  CHECK_FALSE(given::signed_weight(psbt_with({})));
}
