/* The built-in functions, methods and attributes that CALL reaches, by name. BUILTIN(c_name, "python name", min, max arguments).
 * Functions carry their Python name ("len", "math.sqrt"); a method or attribute is ".name" with the receiver as its first
 * argument, and dispatches on the receiver's tag (AttributeError where Python would raise it). The numbers are the order
 * here; a bundle names built-ins by number, so its format version covers this list. */
#ifndef ASSAY_CODE_BUILTINS_H
#define ASSAY_CODE_BUILTINS_H

/* clang-format off */
#define BUILTINS(BUILTIN) \
    BUILTIN(len, "len", 1, 1) \
    BUILTIN(abs, "abs", 1, 1) \
    BUILTIN(method_lower, ".lower", 1, 1)
/* clang-format on */

#endif
