// Included before everything else, in every source, of wrapped libraries too: see meson.build. Not flags, because
// _FORTIFY_SOURCE warns where nothing is optimised, and because what a distribution has set stays. What is missing of it
// stops the compiler: in a static executable it would not show.
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MULTIFUNDCHANNEL_SANITIZED 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define MULTIFUNDCHANNEL_SANITIZED 1
#endif

#if defined(__OPTIMIZE__) && !defined(MULTIFUNDCHANNEL_SANITIZED)
#ifndef _FORTIFY_SOURCE
#define _FORTIFY_SOURCE 3
#elif _FORTIFY_SOURCE < 2
#error "hardening: _FORTIFY_SOURCE is below 2"
#endif
#endif

#ifdef _GLIBCXX_NO_ASSERTIONS
#error "hardening: the standard library's assertions are switched off (_GLIBCXX_NO_ASSERTIONS)"
#endif
#ifndef _GLIBCXX_ASSERTIONS
#define _GLIBCXX_ASSERTIONS 1
#endif

#if !defined(__SSP_STRONG__) && !defined(__SSP_ALL__)
#error "hardening: no stack protector (-fstack-protector-strong)"
#endif
#if !defined(__PIE__) && !defined(__PIC__)
#error "hardening: not position independent (-fPIE)"
#endif
