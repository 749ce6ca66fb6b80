/* The exceptions that functions can raise, by Python's class names. The numbers are RAISE's x; the compiler has them through
 * the _engine module. */
#ifndef ASSAY_CODE_EXCEPTIONS_H
#define ASSAY_CODE_EXCEPTIONS_H

/* clang-format off */
#define EXCEPTIONS(EXCEPTION) \
    EXCEPTION(ZeroDivisionError) EXCEPTION(OverflowError) EXCEPTION(ValueError) EXCEPTION(TypeError) EXCEPTION(IndexError) \
    EXCEPTION(KeyError) EXCEPTION(AttributeError) EXCEPTION(UnboundLocalError) EXCEPTION(AssertionError) \
    EXCEPTION(RecursionError) EXCEPTION(UnicodeEncodeError) EXCEPTION(UnicodeDecodeError) EXCEPTION(StopIteration) \
    EXCEPTION(ArithmeticError) EXCEPTION(LookupError) EXCEPTION(Exception) EXCEPTION(LimitError) \
    EXCEPTION(OSError) EXCEPTION(Error) /* binascii.Error, a ValueError */
/* clang-format on */

enum exception {
#define EXCEPTION(name) EXCEPTION_##name,
    EXCEPTIONS(EXCEPTION)
#undef EXCEPTION
        EXCEPTION_COUNT
};

#endif
