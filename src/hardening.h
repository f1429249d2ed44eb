// Included before everything else, in every source: see meson.build. Not flags, because _FORTIFY_SOURCE warns where
// nothing is optimised, and because what a distribution has set stays.
#if defined(__OPTIMIZE__) && !defined(_FORTIFY_SOURCE) && !defined(__SANITIZE_ADDRESS__)
#define _FORTIFY_SOURCE 3
#endif
#ifndef _GLIBCXX_ASSERTIONS
#define _GLIBCXX_ASSERTIONS 1
#endif
