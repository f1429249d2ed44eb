// What a PSBT tells about the outputs that it spends.
#include <doctest/doctest.h>

#include <string>

#include "bitcoin/byte_writer.hpp"
#include "psbt/spending_weight.hpp"
#include "psbt/unsigned_check.hpp"
#include "psbt_samples.hpp"

using namespace bitcoin;
using namespace psbt;
using namespace psbt::test;
using bitcoin::Sat;
using util::Bytes;

namespace {

// From BIP 174, "Test Vectors": the two transactions that its example spends.
constexpr std::string_view segwit_transaction =
    "0200000000010158e87a21b56daf0c23be8e7070456c336f7cbaa5c8757924f545887bb2abdd7501000000171600145f275f436b09a8cc9a2e"
    "b2a2f528485c68a56323feffffff02d8231f1b0100000017a914aed962d6654f9a2b36608eb9d64d2b260db4f1118700c2eb0b0000000017a9"
    "14b7f5faf40e3d40a5a459b1db3535f2b72fa921e88702483045022100a22edcc6e5bc511af4cc4ae0de0fcd75c7e04d8c1c3a8aa9d820ed4b"
    "967384ec02200642963597b9b1bc22c75e9f3e117284a962188bf5e8a74c895089046a20ad770121035509a48eb623e10aace8bfd0212fdb8a"
    "8e5af3c94b0b133b95e114cab89e4f7965000000";
constexpr std::string_view segwit_txid = "1dea7cd05979072a3578cab271c02244ea8a090bbb46aa680a65ecd027048d83";
constexpr std::string_view legacy_transaction =
    "0200000001aad73931018bd25f84ae400b68848be09db706eac2ac18298babee71ab656f8b0000000048473044022058f6fc7c6a33e1b31548"
    "d481c826c015bd30135aad42cd67790dab66d2ad243b02204a1ced2604c6735b6393e5b41691dd78b00f0c5942fb9f751856faa938157dba01"
    "feffffff0280f0fa020000000017a9140fb9463421696b82c833af241c78c17ddbde493487d0f20a270100000017a91429ca74f8a08f819994"
    "28185c97b5d852e4063f618765000000";
constexpr std::string_view legacy_txid = "75ddabb27b8845f5247975c8a5ba7c6f336c4570708ebe230caf6db5217ae858";

const Bytes non_witness_utxo{0x00};
const Bytes witness_utxo{0x01};

using Entries = std::vector<std::pair<Bytes, Bytes>>;

/// A version 2 PSBT that spends output `vout` of `txid`, with these entries in its only input.
Psbt spending(std::string_view txid, std::uint32_t vout, const Entries& entries) {
  const Bytes outpoint_txid = serialise(*bitcoin::Txid::from_hex(txid));
  ByteWriter out;
  out.bytes(unhex("70736274ff")).bytes(unhex("01020402000000010401010105010001fb040200000000"));
  for (const auto& [key, value] : entries) out.sized_bytes(key).sized_bytes(value);
  out.bytes(unhex("010e20")).bytes(outpoint_txid).bytes(unhex("010f04")).u32(vout).u8(0);
  return *Psbt::parse(out.take());
}

Bytes witness_output(std::uint64_t sat, std::string_view script) {
  return ByteWriter().u64(sat).sized_bytes(unhex(script)).take();
}

}  // namespace

TEST_CASE("amount and script from the witness UTXO") {
  const Psbt psbt = spending(segwit_txid, 0, {{witness_utxo, witness_output(1'234, "0014aabb")}});
  CHECK(psbt.input_amount(0) == Sat{1'234});
  CHECK(psbt.input_script(0) == unhex("0014aabb"));
  CHECK_FALSE(psbt.input_amount(1));
  CHECK_FALSE(psbt.input_script(1));
}

TEST_CASE("amount and script from the previous transaction, with and without witnesses") {
  const Psbt segwit = spending(segwit_txid, 1, {{non_witness_utxo, unhex(segwit_transaction)}});
  CHECK(segwit.input_amount(0) == Sat{200'000'000});
  CHECK(segwit.input_script(0) == unhex("a914b7f5faf40e3d40a5a459b1db3535f2b72fa921e887"));
  const Psbt legacy = spending(legacy_txid, 0, {{non_witness_utxo, unhex(legacy_transaction)}});
  CHECK(legacy.input_amount(0) == Sat{50'000'000});
}

TEST_CASE("no amount without proof") {
  const Bytes transaction = unhex(segwit_transaction);
  SUBCASE("nothing there") { CHECK_FALSE(spending(segwit_txid, 0, {}).input_amount(0)); }
  SUBCASE("another transaction than the outpoint's") {
    CHECK_FALSE(spending(legacy_txid, 0, {{non_witness_utxo, transaction}}).input_amount(0));
  }
  SUBCASE("the transaction has no such output") {
    CHECK_FALSE(spending(segwit_txid, 2, {{non_witness_utxo, transaction}}).input_amount(0));
  }
  SUBCASE("cut anywhere, or with bytes too many") {
    for (std::size_t size = 0; size < transaction.size(); ++size) {
      const Bytes cut(transaction.begin(), transaction.begin() + static_cast<std::ptrdiff_t>(size));
      CHECK_FALSE(spending(segwit_txid, 1, {{non_witness_utxo, cut}}).input_amount(0));
    }
    // The locktime once more: version, inputs, outputs and the last four bytes still hash to the txid.
    Bytes longer = transaction;
    longer.insert(longer.end(), transaction.end() - 4, transaction.end());
    CHECK_FALSE(spending(segwit_txid, 1, {{non_witness_utxo, longer}}).input_amount(0));
  }
  SUBCASE("malformed witness UTXO") {
    CHECK_FALSE(spending(segwit_txid, 1, {{witness_utxo, unhex("0102")}}).input_amount(0));
    Bytes longer = witness_output(5, "0014");
    longer.push_back(0);
    CHECK_FALSE(spending(segwit_txid, 1, {{witness_utxo, longer}}).input_amount(0));
  }
  SUBCASE("more money than there is") {
    const Bytes value = witness_output(2'100'000'000'000'001, "0014");
    CHECK_FALSE(spending(segwit_txid, 1, {{witness_utxo, value}}).input_amount(0));
  }
}

TEST_CASE("a witness UTXO that contradicts the previous transaction is not believed") {
  const std::string_view script = "a914b7f5faf40e3d40a5a459b1db3535f2b72fa921e887";
  const auto with = [](const Bytes& value) {
    return spending(segwit_txid, 1, {{non_witness_utxo, unhex(segwit_transaction)}, {witness_utxo, value}});
  };
  CHECK(with(witness_output(200'000'000, script)).input_amount(0) == Sat{200'000'000});
  CHECK_FALSE(with(witness_output(200'000'001, script)).input_amount(0));
  CHECK_FALSE(with(witness_output(200'000'000, "0014")).input_script(0));
}

TEST_CASE("more inputs than a transaction can have that bitcoind relays are refused before anybody looks them up") {
  const auto with_inputs = [](std::uint32_t count) {
    ByteWriter out;
    out.bytes(unhex("70736274ff")).bytes(unhex("010204020000000104"));
    out.sized_bytes(ByteWriter().compact_size(count).take()).bytes(unhex("01050100")).bytes(unhex("01fb040200000000"));
    for (std::uint32_t vout = 0; vout < count; ++vout) {
      out.sized_bytes(witness_utxo).sized_bytes(witness_output(1'234, "0014" + std::string(40, 'a')));
      out.bytes(unhex("010e20"))
          .bytes(serialise(*bitcoin::Txid::from_hex(segwit_txid)))
          .bytes(unhex("010f04"))
          .u32(vout);
      out.u8(0);
    }
    const auto psbt = Psbt::parse(out.take());
    REQUIRE_MESSAGE(psbt.ok(), psbt.error().message);
    return check_unsigned(*psbt);
  };
  CHECK(with_inputs(2'439).ok());
  const auto refused = with_inputs(2'440);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().message ==
        "has 2440 inputs, which weigh more than 400000: bitcoind relays no such transaction");
}

// --- what a user's PSBT may ask for ---

namespace {

const std::string p2wpkh = "0014" + std::string(40, 'a');
const std::string p2wsh_script = "0020" + std::string(64, 'b');
const std::string p2tr = "5120" + std::string(64, 'c');

/// A PSBT that spends a coin of this script, with these entries beside.
Psbt of_coin(const std::string& script, const Entries& more = {}) {
  Entries entries{{witness_utxo, witness_output(1'234, script)}};
  entries.insert(entries.end(), more.begin(), more.end());
  return spending(segwit_txid, 0, entries);
}

std::string why_not(const Psbt& psbt) {
  const auto checked = check_unsigned(psbt);
  return checked ? "" : checked.error().message;
}

}  // namespace

TEST_CASE("an input that is not native segwit, or signed already, is refused by its name") {
  const std::string name = "input 0 (" + std::string(segwit_txid) + ":0) ";
  CHECK(why_not(of_coin(p2wpkh)).empty());
  CHECK(why_not(of_coin(p2tr)).empty());
  CHECK(why_not(of_coin("a914" + std::string(40, 'a') + "87")) ==
        name + "is not native segwit: its signature would change the transaction's id");
  const Bytes signature(71, 0x30);
  const Bytes key = unhex("0202" + std::string(64, 'd'));
  for (const auto& made : {key, Bytes{0x07}, Bytes{0x08}, Bytes{0x13}}) {
    CHECK(why_not(of_coin(p2wpkh, {{made, signature}})) ==
          name + "is signed already: a signature does not cover the channels that are added");
  }
}

TEST_CASE("a sighash type other than ALL is refused, and DEFAULT where it is not taproot's") {
  const auto asks = [](const std::string& script, std::uint32_t type) {
    return why_not(of_coin(script, {{Bytes{0x03}, ByteWriter().u32(type).take()}}));
  };
  CHECK(asks(p2wpkh, 1).empty());
  CHECK(asks(p2tr, 1).empty());
  CHECK(asks(p2tr, 0).empty());
  for (const std::uint32_t type : {0u, 2u, 3u, 0x81u}) {
    CAPTURE(type);
    CHECK(asks(p2wpkh, type).ends_with("asks for a sighash type other than ALL: others could change the transaction"));
    if (type > 0) CHECK_FALSE(asks(p2tr, type).empty());
  }
}

TEST_CASE("one output may be there, for the change") {
  Psbt psbt = of_coin(p2wpkh);
  psbt.insert_output(0, p2wsh(500, 1));
  CHECK(why_not(psbt).empty());
  psbt.insert_output(0, p2wsh(500, 2));
  CHECK(why_not(psbt) == "has 2 outputs: it may have one, for the change");
}

TEST_CASE("what an input will weigh is told by its script") {
  constexpr std::uint64_t bare = 4 * 41 + 1;
  CHECK(spending_weight(of_coin(p2wpkh), 0) == bare + 73 + 34);
  CHECK(spending_weight(of_coin(p2tr), 0) == bare + 65);
  const auto with_script = [](const std::string& script, Entries more = {}) {
    more.emplace_back(Bytes{0x05}, unhex(script));
    return spending_weight(of_coin(p2wsh_script, more), 0);
  };
  const std::string key = "21" + std::string(66, '2');
  SUBCASE("two of three keys, as bitcoind makes it") {
    CHECK(with_script("52" + key + key + key + "53ae") == bare + 1 + 2 * 73 + 1 + 105);
  }
  SUBCASE("without its script two of three are taken") {
    CHECK(spending_weight(of_coin(p2wsh_script), 0) == bare + 1 + 2 * 73 + 1 + 105);
  }
  SUBCASE("one key") { CHECK(with_script(key + "ac") == bare + 1 + 73 + 1 + 35); }
  SUBCASE("another script: a signature for each key that the PSBT knows") {
    const auto derivation = [](const char digit) {
      return std::pair(unhex("0602" + std::string(64, digit)), unhex("00000000"));
    };
    CHECK(with_script(key + "ad" + key + "ac", {derivation('3'), derivation('4')}) == bare + 1 + 2 * 73 + 1 + 70);
  }
}
