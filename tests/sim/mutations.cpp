#include "sim/mutations.hpp"

#include "sim/mutated.hpp"

namespace {

std::string_view current;

}  // namespace

namespace sim {

bool mutated(std::string_view name) { return name == current; }

const std::vector<Mutation>& mutations() {
  static const std::vector<Mutation> all{
      {"ignores-a-failed-complete", Invariant::secured_before_signing, true},
      {"does-not-look-at-the-channels", Invariant::secured_before_signing},
      {"settles-without-all-channels", Invariant::secured_before_signing},
      {"believes-signpsbt", Invariant::secured_before_signing, true},
      {"frees-coins-after-sending", Invariant::nothing_undone_after_sending, true},
      {"cancels-after-sending", Invariant::nothing_undone_after_sending, true},
      {"takes-an-error-for-not-sent", Invariant::nothing_undone_after_sending, true},
      {"takes-back-what-others-have", Invariant::nothing_undone_after_sending, true},
      {"takes-doubt-for-refusal", Invariant::nothing_undone_after_sending},
      {"aborts-before-confirmed", Invariant::nothing_undone_after_sending},
      {"aborts-off-the-record", Invariant::nothing_undone_after_sending},
      {"guesses-at-replies", Invariant::nothing_left, true},
      {"claims-what-it-did-not-add", Invariant::others_untouched, true, 200285},
      {"keeps-the-coins", Invariant::nothing_left, true},
      {"keeps-coins-for-a-channel", Invariant::nothing_left},
      {"leaves-openings", Invariant::nothing_left, true},
      {"keeps-the-record", Invariant::nothing_left, true},
      {"does-not-recover", Invariant::nothing_left, true},
      {"answers-twice", Invariant::one_reply, true},
      {"talks-on-after-the-answer", Invariant::one_reply, true},
      {"frees-coins-of-others", Invariant::others_untouched, true},
      {"renewal-explains-all", Invariant::others_untouched, true, 903275},
      {"reserves-beside-unanswered", Invariant::nothing_left, true, 958265},
      {"frees-coins-twice", Invariant::others_untouched, true},
      {"cancels-whatever-comes-first", Invariant::others_untouched, true},
      {"retracts-whatever-comes-first", Invariant::others_untouched},
      {"cancels-beside-others", Invariant::others_untouched, true},
      {"aborts-with-coins-of-others", Invariant::others_untouched},
      {"takes-any-opening", Invariant::others_untouched, true},
      {"closes-over-others", Invariant::others_untouched},
      {"forgets-the-given-up", Invariant::every_destination_once, true},
      {"forgets-the-failed", Invariant::every_destination_once, true},
      {"waits-for-ever", Invariant::ends_in_time, true},
      {"tries-for-ever", Invariant::ends_in_time, true},
      {"pays-too-much", Invariant::transaction_is_right, true},
      {"aborts-for-too-little", Invariant::transaction_is_right},
      {"rounds-the-fee-down", Invariant::transaction_is_right, true},
      {"ignores-the-floor", Invariant::transaction_is_right, true},
      {"ignores-the-limit", Invariant::transaction_is_right, true},
      {"spends-what-costs-more", Invariant::transaction_is_right, true},
      {"counts-what-is-left-out", Invariant::transaction_is_right, true},
      {"sends-version-0", Invariant::transaction_is_right, true},
      {"dies-of-nonsense", Invariant::never_crashes, true},
      {"dies-of-a-typo", Invariant::never_crashes, true},
      {"answers-the-hook-wrongly", Invariant::never_crashes, true},
      {"lets-reservations-lapse", Invariant::inputs_stay_reserved, true, 10769},
      {"believes-any-record", Invariant::others_untouched, true},
      {"believes-recorded-scripts", Invariant::signs_only_ours},
      {"signs-without-evidence", Invariant::signs_only_ours, true},
      {"logs-the-transaction", Invariant::no_secret_logged, true},
      {"passes-errors-on", Invariant::no_secret_logged, true},
      {"writes-controls-raw", Invariant::texts_are_clean, true},
  };
  return all;
}

void mutate(std::string_view name) { current = name; }

}  // namespace sim
