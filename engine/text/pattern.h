/* The nodes of a pattern's program. Every jump goes forward, so a match ends; the only loops are runs of one class. */
#ifndef ASSAY_TEXT_PATTERN_H
#define ASSAY_TEXT_PATTERN_H

enum pattern_op {
    NODE_MATCH,  /* the end: matched */
    NODE_RUN,    /* b to c characters of class a, as many as there are, fewer if the rest needs it */
    NODE_TAKE,   /* the same, and never fewer: the build has seen that fewer cannot help */
    NODE_SPLIT,  /* first a, then b */
    NODE_JUMP,   /* to a */
    NODE_AHEAD,  /* the next character is in class a (b: is not, or there is none) */
    NODE_BEHIND, /* the character before is in class a (b: is not, or there is none) */
    NODE_BEGIN,  /* nothing is before; a: or a line feed is */
    NODE_END,    /* nothing is behind; a: or a line feed is; b: or only a line feed at the very end is */
    NODE_OPS
};

#endif
