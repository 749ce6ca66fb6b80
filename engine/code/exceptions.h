/* The exceptions that functions can raise, by Python's class names, each with its parent, parents first. The numbers are those
 * of instructions; the compiler has them through the _engine module. A bundle's own classes follow, from EXCEPTION_COUNT on.
 * LimitError has no parent that a function could catch: a call that is out of steps is over. */
#ifndef ASSAY_CODE_EXCEPTIONS_H
#define ASSAY_CODE_EXCEPTIONS_H

/* clang-format off */
#define EXCEPTIONS(EXCEPTION) \
    EXCEPTION(BaseException, BaseException) \
    EXCEPTION(Exception, BaseException) \
    EXCEPTION(ArithmeticError, Exception) EXCEPTION(LookupError, Exception) EXCEPTION(ValueError, Exception) \
    EXCEPTION(TypeError, Exception) EXCEPTION(AttributeError, Exception) EXCEPTION(AssertionError, Exception) \
    EXCEPTION(NameError, Exception) EXCEPTION(RuntimeError, Exception) EXCEPTION(StopIteration, Exception) \
    EXCEPTION(OSError, Exception) EXCEPTION(ZeroDivisionError, ArithmeticError) EXCEPTION(OverflowError, ArithmeticError) \
    EXCEPTION(FloatingPointError, ArithmeticError) EXCEPTION(IndexError, LookupError) EXCEPTION(KeyError, LookupError) \
    EXCEPTION(UnboundLocalError, NameError) EXCEPTION(RecursionError, RuntimeError) \
    EXCEPTION(NotImplementedError, RuntimeError) EXCEPTION(UnicodeError, ValueError) \
    EXCEPTION(UnicodeEncodeError, UnicodeError) EXCEPTION(UnicodeDecodeError, UnicodeError) \
    EXCEPTION(Error, ValueError) /* binascii.Error */ \
    EXCEPTION(LimitError, BaseException)
/* clang-format on */

enum exception {
#define EXCEPTION(name, parent) EXCEPTION_##name,
    EXCEPTIONS(EXCEPTION)
#undef EXCEPTION
        EXCEPTION_COUNT
};

#endif
